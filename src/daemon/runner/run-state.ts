import type { CheckReport, RunEvent, RunEventOf } from "../../protocol/run-events.ts";
import type { RunSpec } from "../../protocol/run-spec.ts";

/** The iteration that has started and has no verdict yet; after a crash the runner carries on with it. */
export interface OpenIteration {
  started: RunEventOf<"iteration-started">;
  gateReported: boolean;
  checks: CheckReport[];
}

type HeardMessage = Pick<RunEventOf<"message">, "id" | "kind" | "index">;

/** Everything the loop needs to know, derived from the run's events alone: a crash can lose none of it. */
export interface RunState {
  started: boolean;
  /** Agent and checks run in a sandbox: decided when the run started, and so for all of it. */
  sandboxed: boolean;
  checkout: RunEventOf<"checkout"> | null;
  baseline: CheckReport[] | null;
  open: OpenIteration | null;
  verdict: RunEventOf<"verdict"> | null;
  /** Iterations begun, whether they counted or not: names the next one's directory. */
  iterations: number;
  /** The last iteration that counted; 0 before there is one. */
  counted: number;
  /** Agent errors in a row, for the backoff. */
  errorsInRow: number;
  costUsd: number;
  waiting: RunEventOf<"waiting"> | null;
  /** A person has paused the run, and it has not gone on since. */
  paused: boolean;
  /** What the agent has been told, in order: which message is part of which iteration's prompt. */
  heard: readonly HeardMessage[];
  verified: RunEventOf<"verified"> | null;
  /** Progress as the agent last told it: becomes the message of the final commit. */
  progress: string | null;
  finished: RunEventOf<"finished"> | null;
}

export function initialState(spec: RunSpec): RunState {
  return {
    started: false,
    sandboxed: false,
    checkout: null,
    baseline: null,
    open: null,
    verdict: null,
    iterations: 0,
    counted: 0,
    errorsInRow: 0,
    costUsd: spec.resume?.costUsd ?? 0,
    waiting: null,
    paused: false,
    heard: [],
    verified: null,
    progress: null,
    finished: null,
  };
}

/** The state after `event`; pure. */
export function applyEvent(state: RunState, event: RunEvent): RunState {
  switch (event.type) {
    case "started":
      return { ...state, started: true, sandboxed: event.sandbox === "bubblewrap" };
    case "checkout":
      return { ...state, checkout: event };
    case "baseline":
      return { ...state, baseline: event.checks };
    case "iteration-started":
      return {
        ...state,
        iterations: event.index,
        waiting: null,
        open: { started: event, gateReported: false, checks: [] },
      };
    case "gate":
      return {
        ...state,
        progress: event.gate?.progress ?? state.progress,
        open: state.open === null ? null : { ...state.open, gateReported: true },
      };
    case "check":
      return {
        ...state,
        open: state.open === null ? null : { ...state.open, checks: [...state.open.checks, event.check] },
      };
    case "verdict":
      return applyVerdict(state, event);
    case "waiting":
      return { ...state, waiting: event };
    case "paused":
      return { ...state, paused: true };
    case "resumed":
      return { ...state, paused: false };
    case "message":
      return { ...state, heard: [...state.heard, { id: event.id, kind: event.kind, index: event.index }] };
    case "verified":
      return { ...state, verified: event };
    case "finished":
      return { ...state, finished: event, open: null };
    case "checkpoint":
    case "notice":
      return state;
  }
}

function applyVerdict(state: RunState, event: RunEventOf<"verdict">): RunState {
  return {
    ...state,
    verdict: event,
    open: null,
    counted: event.uncounted ? state.counted : event.index,
    costUsd: state.costUsd + event.costUsd,
    errorsInRow: event.error === null || event.uncounted ? 0 : state.errorsInRow + 1,
  };
}

/**
 * Whether something asks for the work of the open iteration: it is the run's first, or the agent has heard something since
 * the last one that counted. A nudge asks for nothing.
 */
export function isCalledFor({ counted, heard }: RunState): boolean {
  return counted === 0 || heard.some(({ index, kind }) => index > counted && kind !== "nudge");
}

/** What the runner does next. */
export type Step = "start" | "prepare" | "baseline" | "pause" | "wait" | "begin" | "iterate" | "finish" | "end";

/** The fixed loop as a table of what is missing, first match wins; pure. `pauses`: a person wants no agent started. */
export function nextStep(state: RunState, spec: RunSpec, pauses: boolean): Step {
  if (state.finished !== null) return "end";
  if (!state.started) return "start";
  if (state.checkout === null) return "prepare";
  if (state.baseline === null && wantsBaseline(state.checkout, spec)) return "baseline";
  if (state.open !== null) return "iterate";
  if (state.verdict?.verdict === "done" || state.verdict?.verdict === "stop") return "finish";
  if (state.paused || pauses) return "pause";
  return state.waiting === null ? "begin" : "wait";
}

function wantsBaseline(checkout: RunEventOf<"checkout">, spec: RunSpec): boolean {
  return spec.limits.baseline && checkout.checks.length > 0;
}
