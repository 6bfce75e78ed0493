import type { Contract, Task, TaskDetail } from "../../protocol/api.ts";

/** The one JSON document of `makima run --json` and `makima resume --json`. */
export function runDocument(detail: TaskDetail) {
  return {
    ...taskDocument(detail.contract, detail.task, detail.branchKept),
    iterations: detail.iterations.map(({ index, sessionId, gate, changed, error, verdict, costUsd, durationMs }) => ({
      index,
      sessionId,
      gate,
      changed,
      error,
      verdict,
      costUsd,
      durationMs,
    })),
    verification: detail.verification,
    checks: detail.checks.map(({ command, passed, exitCode, baseline }) => ({ command, passed, exitCode, baseline })),
    tampering: detail.tampering,
    costUsd: detail.costUsd,
    worktree: detail.worktree,
  };
}

/** Its beginning, which is all that is known when the task is left to itself; `branch` is null when there is none. */
export function taskDocument(contract: Contract, task: Task, hasBranch: boolean) {
  return {
    contract: { id: contract.id, name: contract.name, status: contract.status },
    task: {
      id: task.id,
      name: task.name,
      status: task.status,
      branch: hasBranch ? task.branch : null,
      base: task.base,
      head: task.head,
      reason: task.reason,
    },
  };
}
