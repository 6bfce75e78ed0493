import { shortId } from "./ids.ts";
import { oneLine } from "./notifications.ts";

/** What a supervisor's task shows while its run sleeps until something happens in its contract. */
export const WAITS_FOR_TASKS = "Waits for its tasks";

/**
 * What an agent hears of what has happened meanwhile: one paragraph each, with the command that shows more. Names,
 * reasons and answers come from people and agents: they are cut, and stripped of what only terminals understand.
 */
export const TOLD = {
  taskEnded: ({ id, name, status, reason, branch }: EndedTask): string => {
    const task = nameOf({ id, name });
    const why = reason === null ? "" : ` Reason: ${quoted(reason, MAX_REASON)}.`;
    const look = `\`makima supervisor task ${shortId(id)}\` shows more`;
    if (status !== "completed") {
      const what = status === "failed" ? "has failed" : "was cancelled";
      return `${task} ${what}.${why} ${look}; \`makima supervisor resume ${shortId(id)}\` gives it another run.`;
    }
    return `${task} is completed. Its branch is ${branch}. ${look}, \`makima supervisor diff ${shortId(id)}\` its changes.`;
  },

  taskAsks: (task: NamedTask, question: { id: string; text: string }): string =>
    `${nameOf(task)} asks a person: ${quoted(question.text, MAX_QUESTION)}. A person answers with ` +
    `\`makima question answer ${shortId(question.id)}\`; what you know about it you can tell the task with ` +
    `\`makima supervisor message ${shortId(task.id)}\`.`,

  answered: ({ id, text, answer }: { id: string; text: string; answer: string }): string =>
    `To your question ${quoted(text, MAX_QUESTION)} a person answers: ${oneLine(answer, MAX_ANSWER)}` +
    (answer.length > MAX_ANSWER ? ` (\`makima question show ${shortId(id)}\` has all of it)` : ""),

  nothingLeft: (): string =>
    "No task of the contract is at work and no question is open, so nothing will happen by itself. Go on with what is " +
    "missing (`makima contract suggest-action` says what that is), or end with ready: true.",
};

interface NamedTask {
  id: string;
  name: string;
}

interface EndedTask extends NamedTask {
  status: string;
  reason: string | null;
  branch: string;
}

/** UTF-16 units: whoever wants to know all of it looks it up. */
const MAX_NAME = 200;
const MAX_REASON = 500;
const MAX_QUESTION = 500;
const MAX_ANSWER = 4_000;

function nameOf({ id, name }: NamedTask): string {
  return `Task ${quoted(name, MAX_NAME)} (${shortId(id)})`;
}

function quoted(text: string, max: number): string {
  return `"${oneLine(text, max)}"`;
}
