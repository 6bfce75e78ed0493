/** What a contract of each type goes through, as data: the order of its phases, and what each has to deliver. */
export const CONTRACT_TYPES = ["simple", "specification"] as const;
export type ContractType = (typeof CONTRACT_TYPES)[number];

export const PHASES = ["research", "specify", "plan", "execute", "review"] as const;
export type Phase = (typeof PHASES)[number];

export interface PhaseSpec {
  phase: Phase;
  /** Files that must be written before the phase is over. */
  files: readonly { name: string; title: string }[];
  /** Whether every task must be completed, and merged where the contract merges, before the phase is over. */
  tasks: boolean;
}

const PLAN: PhaseSpec = { phase: "plan", files: [{ name: "plan", title: "Plan" }], tasks: false };
const EXECUTE: PhaseSpec = { phase: "execute", files: [], tasks: true };

const PHASES_OF: Readonly<Record<ContractType, readonly PhaseSpec[]>> = {
  simple: [PLAN, EXECUTE],
  specification: [
    { phase: "research", files: [{ name: "research", title: "Research notes" }], tasks: false },
    { phase: "specify", files: [{ name: "specification", title: "Specification" }], tasks: false },
    PLAN,
    EXECUTE,
    { phase: "review", files: [{ name: "review", title: "Review" }], tasks: true },
  ],
};

/** Never empty. */
export function phasesOf(type: ContractType): readonly PhaseSpec[] {
  return PHASES_OF[type];
}

export function firstPhase(type: ContractType): Phase {
  return PHASES_OF[type][0]?.phase ?? "execute";
}

/** null: it is the last one, or not one of the type. */
export function nextPhase(type: ContractType, phase: Phase): Phase | null {
  const phases = PHASES_OF[type];
  const index = phases.findIndex((spec) => spec.phase === phase);
  return index === -1 ? null : (phases[index + 1]?.phase ?? null);
}

/** A task that is not a supervisor, as far as a phase asks. `merged`: it is, or nothing of it has to be. */
export interface PhaseTask {
  name: string;
  completed: boolean;
  merged: boolean;
}

export interface Deliverable {
  kind: "file" | "tasks";
  /** Name of the file; `tasks` for the work as a whole. */
  name: string;
  title: string;
  done: boolean;
  /** What is missing, in words; null when it is done. */
  missing: string | null;
}

/** What a phase has to deliver, and what of that is there. `files`: names of those that have content. */
export function deliverablesOf(
  type: ContractType,
  phase: Phase,
  { files, tasks }: { files: ReadonlySet<string>; tasks: readonly PhaseTask[] },
): Deliverable[] {
  const spec = PHASES_OF[type].find((one) => one.phase === phase);
  if (spec === undefined) return [];
  const written = spec.files.map(({ name, title }): Deliverable => {
    const done = files.has(name);
    return { kind: "file", name, title, done, missing: done ? null : `The file ${name} is not written` };
  });
  return spec.tasks ? [...written, workOf(tasks)] : written;
}

/** Names that a sentence lists before it counts the rest. */
const MAX_NAMES = 5;

function workOf(tasks: readonly PhaseTask[]): Deliverable {
  const open = tasks.filter(({ completed }) => !completed);
  const unmerged = tasks.filter(({ completed, merged }) => completed && !merged);
  const missing = [
    ...(tasks.length === 0 ? ["No task has been spawned"] : []),
    ...(open.length === 0 ? [] : [`Not completed: ${namesOf(open)}`]),
    ...(unmerged.length === 0 ? [] : [`Not merged: ${namesOf(unmerged)}`]),
  ];
  const done = missing.length === 0;
  return { kind: "tasks", name: "tasks", title: "Tasks", done, missing: done ? null : missing.join("; ") };
}

function namesOf(tasks: readonly PhaseTask[]): string {
  const names = tasks.slice(0, MAX_NAMES).map(({ name }) => name);
  return tasks.length > MAX_NAMES ? `${names.join(", ")} and ${tasks.length - MAX_NAMES} more` : names.join(", ");
}
