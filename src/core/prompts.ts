import type { TamperingFlag } from "./tampering.ts";
import { tail } from "./text.ts";
import { describeFlag } from "./verdict.ts";
import type { CheckOutcome, IterationEnd } from "./verdict.ts";

export interface PromptGoal {
  goal: string;
  /** Commands that decide whether the goal is met. */
  checks: readonly string[];
}

/** The prompt of a task's first iteration: the goal, and what will be checked. */
export function firstPrompt({ goal, checks }: PromptGoal): string {
  if (checks.length === 0) return goal;
  const commands = checks.map((command) => `- ${command}`).join("\n");
  const rule = "When you say that you are ready, these commands are run, and each of them must exit with 0:";
  return `${goal}\n\n${rule}\n${commands}`;
}

export interface PromptFacts extends PromptGoal {
  /** How the iteration before ended; `cancelled` where a run begins that resumes another one. */
  end: IterationEnd;
  outcomes: readonly CheckOutcome[];
  /** Flags for which the claim was refused. */
  refused: readonly TamperingFlag[];
  /** Whether the agent still knows the conversation so far; if not, the goal is stated again. */
  remembers: boolean;
  /** What people have said to it so far, for one that does not remember. */
  said: readonly string[];
  /** It waits for the tasks of others when it is not ready, which is no fault then. */
  supervises: boolean;
}

/**
 * The prompt of a further iteration: what is missing, as exactly as makima knows it. Empty when nothing is: then the
 * agent goes on only for what a person says to it (see `withMessages`).
 */
export function nextPrompt(facts: PromptFacts): string {
  const { end, said } = facts;
  const remembers = facts.remembers && !(end.kind === "agent-error" && end.cause === "context-lost");
  if (remembers) return whatIsMissing(facts) ?? goOn(facts);
  const earlier = said.length === 0 ? [] : ["Since then a person has said:", ...said];
  return paragraphs([firstPrompt(facts), ...earlier, BEGUN, whatIsMissing(facts) ?? ""]);
}

/** What an agent is told besides its prompt, each in its order. */
export interface Told {
  /** In the words of people. */
  said: readonly string[];
  /** What has happened that concerns it. */
  happened: readonly string[];
}

/** A prompt, and after it what the agent is told at this point. */
export function withMessages(prompt: string, { said, happened }: Told): string {
  return paragraphs([
    prompt,
    ...(said.length === 0 ? [] : ["A person has looked at your work and says to you now:", ...said]),
    ...(happened.length === 0 ? [] : ["Meanwhile this has happened:", ...happened]),
    said.length === 0 ? "" : GATE_FORMAT,
  ]);
}

/** What holds in every iteration, for the system prompt of an agent that works on a task. */
export function workerInstructions(): string {
  return `${ALONE}\n\n${COMMANDS}\n\n${GATE_FORMAT}`;
}

const ALONE = "You work on your own: nobody reads along. Decide what you can decide, and go on until the goal is met.";

const COMMANDS = `Your task may be one of several in a contract:
- \`makima contract status\` shows the contract, \`makima contract report TEXT\` tells people how it goes.
- \`makima supervisor ask "QUESTION" --timeout 9m\` asks a person and waits for the answer; let your shell wait ten
  minutes for it. Ask only what you cannot decide and cannot go on without. An answer that comes later reaches you with
  your next prompt.`;

/** How an agent ends its turn. */
export const GATE_FORMAT = `End every turn with this block, as plain text outside of any code fence:

<COMPLETION_GATE>
ready: true|false
reason: "why"
progress: "what was done"
blockers: ["what is still missing", "..."]
</COMPLETION_GATE>

Each value stays on its line. Say "ready: true" only when the whole goal is met and you have verified it; leave
blockers out then. A claim is not taken on trust: checks are run, and tests or checks that were weakened, skipped
or deleted are found.`;

/** Room for the end of each failing check's output: a test summary with a stack trace, not the whole log. */
const MAX_TAIL = 4000;
const MAX_MESSAGE = 1000;
const MAX_ITEMS = 20;

const BEGUN = "Work on this may have begun already: look at the state of the directory before you go on.";
const NO_GATE =
  "Your last turn ended without a completion gate, so nobody knows whether the goal is met. If it is not, go on.";
const IDLE =
  "You were stopped because nothing was heard of you for too long. Avoid commands that wait for ever, and go on.";
const TOO_LONG = "You were stopped because your turn took too long. Work in smaller steps, and go on.";
const WOKEN =
  "You are woken because something has happened, or because there is nothing left to wait for. Look at the contract with " +
  "`makima supervisor status`, do what is next, and end your turn: not ready to wait again, ready when all is done.";
const AGENT_ERROR = "Your last turn ended with an error. Go on from the state that you find.";
const CHECKS_FAIL =
  "You said that you are ready, but not every check passes. Find out why, mend the cause and not the check, and go on.";
const WEAKENED =
  "You said that you are ready, but tests or checks were weakened. Undo this and meet the goal with them as they were:";

/** null where only the goal as a whole is. */
function whatIsMissing({ end, outcomes, refused, supervises }: PromptFacts): string | null {
  const failed = outcomes.filter((outcome) => !outcome.passed);
  if (failed.length > 0) return failedChecks(failed);
  switch (end.kind) {
    case "gate":
      if (!end.gate.ready) return supervises ? WOKEN : notReady(end.gate);
      return refused.length === 0 ? "" : refusedClaim(refused);
    case "no-gate":
      return supervises ? WOKEN : `${NO_GATE}\n\n${GATE_FORMAT}`;
    case "timeout":
      return end.which === "idle" ? IDLE : TOO_LONG;
    case "agent-error":
      return `${AGENT_ERROR}\n\n${tail(end.message, MAX_MESSAGE)}`;
    case "interrupted":
      return end.by === "message" ? "" : null;
    case "usage-limit":
    case "cancelled":
      return null;
  }
}

function goOn({ goal, end }: PromptFacts): string {
  const why =
    end.kind === "cancelled" ? "Your work on this goes on." : "You were interrupted. Go on where you stopped.";
  return `${why} The goal was:\n\n${goal}`;
}

function failedChecks(failed: readonly CheckOutcome[]): string {
  const reports = failed.slice(0, MAX_ITEMS).map(({ name, exitCode, failure, tail: output }) => {
    const room = Math.floor(MAX_TAIL / Math.min(failed.length, 3));
    return `${name}: ${failure ?? `exit code ${exitCode}`}\n${tail(output, room).trim()}`;
  });
  return `${CHECKS_FAIL}\n\n${reports.join("\n\n")}`;
}

function refusedClaim(refused: readonly TamperingFlag[]): string {
  return `${WEAKENED}\n${itemise(refused.map(describeFlag))}`;
}

function notReady({ reason, blockers }: { reason: string | null; blockers: string[] }): string {
  const missing = blockers.length > 0 ? blockers : reason === null ? [] : [reason];
  if (missing.length === 0) return "You said that you are not ready. Go on until the goal is met.";
  return `You said that you are not ready. Go on, and resolve what you named:\n${itemise(missing)}`;
}

function paragraphs(texts: readonly string[]): string {
  return texts.filter((text) => text !== "").join("\n\n");
}

function itemise(items: readonly string[]): string {
  const shown = items.slice(0, MAX_ITEMS).map((item) => `- ${tail(item, MAX_MESSAGE)}`);
  const rest = items.length - shown.length;
  return [...shown, ...(rest > 0 ? [`- and ${rest} more`] : [])].join("\n");
}
