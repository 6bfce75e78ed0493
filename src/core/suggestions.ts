import { shortId } from "./ids.ts";
import { oneLine } from "./notifications.ts";
import type { Deliverable, Phase } from "./phases.ts";
import type { ContractState, TaskState } from "./task-state.ts";
import { isLive, TASK } from "./task-state.ts";

/** What to do next, and the command line that does it. */
export interface Suggestion {
  action: string;
  command: string;
}

export interface SuggestionFacts {
  status: ContractState;
  /** Its tasks have cost what they may together, which pauses it. */
  budgetSpent: boolean;
  /** null: it is in its last phase. */
  nextPhase: Phase | null;
  /** Of the present phase. */
  deliverables: readonly Deliverable[];
  tasks: readonly SuggestedTask[];
  /** Open ones, with the name of the task that asks. */
  questions: readonly { id: string; task: string; text: string }[];
}

export interface SuggestedTask {
  id: string;
  name: string;
  role: "worker" | "supervisor";
  status: TaskState;
  reason: string | null;
  /** A supervisor that sleeps until something happens in the contract. */
  idle: boolean;
  /** Its merge did not work out, and is wanted. */
  mergeRefused: boolean;
  /** Names of the checks of its latest run that failed, of a failed task. */
  failingChecks: readonly string[];
}

/**
 * What brings a contract on, most urgent first; never empty while it is active or paused, and never long. In commands
 * stand ids and names of files alone, never words of an agent.
 */
export function suggestions(facts: SuggestionFacts): Suggestion[] {
  if (facts.status === "deleted") return [];
  if (facts.status === "completed") return [READ_REPORT];
  const found = [
    ...(facts.status === "paused" ? [facts.budgetSpent ? SPEND_MORE : GO_ON] : []),
    ...few(facts.questions).map(answer),
    ...few(facts.tasks.filter(({ status }) => status === "failed")).flatMap(recover),
    ...few(facts.tasks.filter(({ mergeRefused }) => mergeRefused)).map(merge),
    ...few(facts.deliverables.filter(({ done, kind }) => !done && kind === "file")).map(write),
    ...staff(facts),
    ...wakeSupervisor(facts),
    ...moveOn(facts),
  ];
  return found.length > 0 ? found : [wait(facts)];
}

const READ_REPORT: Suggestion = {
  action: "The contract is completed: read what was done",
  command: "makima contract file report",
};

const GO_ON: Suggestion = { action: "The contract is paused: have it go on", command: "makima contract resume" };

const SPEND_MORE: Suggestion = {
  action: "Its budget is spent: give it more, and have it go on",
  command: "makima contract update --budget USD",
};

/** Things of one sort that are named: whoever has dealt with those asks again. */
const MAX_OF_A_SORT = 5;

function few<T>(things: readonly T[]): readonly T[] {
  return things.slice(0, MAX_OF_A_SORT);
}

function answer({ id, task, text }: SuggestionFacts["questions"][number]): Suggestion {
  return {
    action: `A person has to answer ${named(task)}: ${oneLine(text, MAX_TEXT)}`,
    command: `makima question answer ${shortId(id)} TEXT`,
  };
}

function recover({ id, name, reason, failingChecks }: SuggestedTask): Suggestion[] {
  const checks = few(failingChecks).map((check) => oneLine(check, MAX_NAME));
  const why = checks.length > 0 ? `these checks fail: ${checks.join(", ")}` : oneLine(reason ?? "", MAX_TEXT);
  return [
    {
      action: `See why ${named(name)} failed: ${why}`,
      command: `makima supervisor output ${shortId(id)} --text --tail 50`,
    },
    { action: `Have ${named(name)} tried again`, command: `makima supervisor resume ${shortId(id)}` },
  ];
}

function merge({ id, name }: SuggestedTask): Suggestion {
  return {
    action: `The work of ${named(name)} is completed, and could not be merged: see why, and merge it`,
    command: `makima supervisor merge ${shortId(id)}`,
  };
}

function write({ name, title }: Deliverable): Suggestion {
  return { action: `${title} is missing: write it`, command: `makima contract create-file ${name} @${name}.md` };
}

/** A phase that delivers work needs somebody who does it. */
function staff({ deliverables, tasks }: SuggestionFacts): Suggestion[] {
  const wanted = deliverables.some(({ done, kind }) => !done && kind === "tasks");
  if (!wanted || tasks.some((task) => task.role === "worker" && task.status !== "cancelled")) return [];
  return [{ action: "No task works on the goal: spawn one", command: "makima supervisor spawn NAME --plan TEXT" }];
}

/** It waits for what will not come by itself. */
function wakeSupervisor({ tasks, questions }: SuggestionFacts): Suggestion[] {
  const waits = tasks.find(({ role, idle, status }) => role === "supervisor" && idle && isLive(TASK, status));
  if (waits === undefined || questions.length > 0 || atWork(tasks).length > 0) return [];
  return [
    {
      action: `${named(waits.name)} waits, and no task is at work: tell it how to go on`,
      command: `makima supervisor message ${shortId(waits.id)} TEXT`,
    },
  ];
}

function moveOn({ nextPhase, deliverables, tasks, questions }: SuggestionFacts): Suggestion[] {
  const open = deliverables.some(({ done }) => !done) || questions.length > 0 || atWork(tasks).length > 0;
  if (open) return [];
  return nextPhase === null
    ? [{ action: "Everything is there: complete the contract", command: "makima contract complete" }]
    : [
        {
          action: `Everything of this phase is there: go on to ${nextPhase}`,
          command: "makima supervisor advance-phase",
        },
      ];
}

function wait({ tasks }: SuggestionFacts): Suggestion {
  return atWork(tasks).length > 0
    ? { action: "Tasks are at work: wait for one of them to end", command: "makima supervisor wait --any" }
    : { action: "What is completed is being merged: look again", command: "makima contract status" };
}

function atWork(tasks: readonly SuggestedTask[]): readonly SuggestedTask[] {
  return tasks.filter(({ role, status }) => role === "worker" && isLive(TASK, status));
}

/** UTF-16 units of a name, and of a reason or question, in an action. */
const MAX_NAME = 60;
const MAX_TEXT = 200;

function named(task: string): string {
  return `"${oneLine(task, MAX_NAME)}"`;
}
