/**
 * A state machine as data: for each state, the events that it takes and the states that they lead to. A state is live
 * until its work is over; an ended state may still take events (`resume` of a failed task).
 */
export interface Machine<State extends string, Event extends string> {
  readonly initial: State;
  readonly live: readonly State[];
  readonly transitions: { readonly [From in State]: { readonly [On in Event]?: State } };
}

/** The state after `event`, null where the machine does not allow it. */
export function transition<State extends string, Event extends string>(
  machine: Machine<State, Event>,
  state: State,
  event: Event,
): State | null {
  const next: { readonly [On in Event]?: State } = machine.transitions[state];
  return Object.hasOwn(next, event) ? (next[event] ?? null) : null;
}

export function isLive<State extends string>(machine: Machine<State, never>, state: State): boolean {
  return machine.live.includes(state);
}

export function isTerminal<State extends string>(machine: Machine<State, never>, state: State): boolean {
  return !isLive(machine, state);
}

export type TaskState =
  | "pending"
  | "starting"
  | "running"
  | "waiting"
  | "paused"
  | "completed"
  | "failed"
  | "cancelled";
export type TaskEvent =
  | "start"
  | "run"
  | "wait"
  | "pause"
  | "requeue"
  | "complete"
  | "fail"
  | "cancel"
  | "resume"
  | "reopen";

const ENDS = { complete: "completed", fail: "failed", cancel: "cancelled" } as const;

/**
 * `start`: a daemon was told to work on it. `run`: its run has begun, or goes on after a wait or a pause. `requeue`:
 * its daemon is lost; the next run has a higher fence. `resume`: a person wants another run of what failed. `reopen`:
 * what is completed has to be done further, because it could not be merged or somebody says what is missing.
 */
export const TASK: Machine<TaskState, TaskEvent> = {
  initial: "pending",
  live: ["pending", "starting", "running", "waiting", "paused"],
  transitions: {
    pending: { ...ENDS, start: "starting" },
    starting: { ...ENDS, run: "running", requeue: "pending" },
    running: { ...ENDS, wait: "waiting", pause: "paused", requeue: "pending" },
    waiting: { ...ENDS, run: "running", requeue: "pending" },
    paused: { ...ENDS, run: "running", requeue: "pending" },
    completed: { reopen: "pending" },
    failed: { resume: "pending" },
    cancelled: { resume: "pending" },
  },
};

export type RunState = "assigned" | "running" | "completed" | "failed" | "cancelled" | "fenced";
export type RunEvent = "start" | "complete" | "fail" | "cancel" | "fence";

/** One attempt at a task. `fence`: a newer run of the task exists, whatever this one still says. */
export const RUN: Machine<RunState, RunEvent> = {
  initial: "assigned",
  live: ["assigned", "running"],
  transitions: {
    assigned: { ...ENDS, start: "running", fence: "fenced" },
    running: { ...ENDS, fence: "fenced" },
    completed: {},
    failed: {},
    cancelled: {},
    fenced: {},
  },
};

export type ContractState = "active" | "paused" | "completed" | "deleted";
export type ContractEvent = "pause" | "resume" | "complete" | "delete";

export const CONTRACT: Machine<ContractState, ContractEvent> = {
  initial: "active",
  live: ["active", "paused"],
  transitions: {
    active: { pause: "paused", complete: "completed", delete: "deleted" },
    paused: { resume: "active", complete: "completed", delete: "deleted" },
    completed: { delete: "deleted" },
    deleted: {},
  },
};

export type QuestionState = "open" | "answered" | "withdrawn";
export type QuestionEvent = "answer" | "withdraw";

export const QUESTION: Machine<QuestionState, QuestionEvent> = {
  initial: "open",
  live: ["open"],
  transitions: { open: { answer: "answered", withdraw: "withdrawn" }, answered: {}, withdrawn: {} },
};

export type NotificationState = "unread" | "read" | "dismissed";
export type NotificationEvent = "read" | "dismiss";

/** What was dismissed never comes back. */
export const NOTIFICATION: Machine<NotificationState, NotificationEvent> = {
  initial: "unread",
  live: ["unread", "read"],
  transitions: { unread: { read: "read", dismiss: "dismissed" }, read: { dismiss: "dismissed" }, dismissed: {} },
};

/** One thing that a daemon is asked to do in a repository, for somebody who waits for its result. */
export type OperationState = "queued" | "running" | "done" | "failed";
export type OperationEvent = "give" | "finish" | "fail";

/** `give`: nothing of its queue is before it, so its daemon is told. */
export const OPERATION: Machine<OperationState, OperationEvent> = {
  initial: "queued",
  live: ["queued", "running"],
  transitions: {
    queued: { give: "running", fail: "failed" },
    running: { finish: "done", fail: "failed" },
    done: {},
    failed: {},
  },
};
