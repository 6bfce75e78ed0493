import type { RunState } from "../../core/task-state.ts";

/** What happens in a transaction and is counted once that has been committed. */
export type Fact =
  | { kind: "run-ended"; outcome: RunState }
  | { kind: "iteration"; agent: string; model: string | null; refused: boolean; costUsd: number };
