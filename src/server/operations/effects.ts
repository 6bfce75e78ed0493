import type { CommandError } from "../../protocol/link.ts";
import type { OperationKind, OperationResult, OrderOf } from "../../protocol/operations.ts";
import { fromJson } from "../db/json.ts";
import type { Write } from "../db/store.ts";
import { notifyMergeFailed } from "../notifications/occasions.ts";
import { keepCheckpoint } from "./checkpoints.ts";
import { mergeEnded } from "./merge-end.ts";
import { contractOf } from "./rows.ts";
import type { OperationRow } from "./rows.ts";

/** Carries the result of an operation into the tables, beyond its own row. */
export async function applyResult(
  tx: Write,
  operation: OperationRow,
  result: OperationResult<OperationKind>,
): Promise<void> {
  // The table guarantees that the entry fits both; TypeScript cannot follow that through a lookup.
  const apply = ON_RESULT[operation.kind] as OnResult<OperationKind>;
  await apply(tx, operation, fromJson(operation.order), result);
}

/** The same where there is no result. Whoever asked for the operation sees why. */
export async function applyFailure(tx: Write, operation: OperationRow, error: CommandError): Promise<void> {
  const order = fromJson(operation.order);
  if (order.kind === "MergeBranch") await mergeEnded(tx, operation, order, { outcome: "error", error });
  if (order.kind !== "CreatePullRequest" || operation.origin !== "queue") return;
  const { id: subject, task_id: taskId } = operation;
  const contractId = contractOf(operation);
  const into = order.into ?? "the remote's default branch";
  await notifyMergeFailed(tx, { subject, contractId, taskId, into, reason: `No pull request: ${error.message}` });
}

type OnResult<K extends OperationKind> = (
  tx: Write,
  operation: OperationRow,
  order: OrderOf<K>,
  result: OperationResult<K>,
) => Promise<void>;

const nothing = async (): Promise<void> => {};

const ON_RESULT: { readonly [K in OperationKind]: OnResult<K> } = {
  GetDiff: nothing,
  ReadFile: nothing,
  ListBranches: nothing,
  CreateBranch: nothing,
  CreatePullRequest: nothing,
  MergeBranch: mergeEnded,
  ListWorktrees: nothing,
  CleanWorktrees: nothing,
  RestoreWorktree: nothing,

  async CreateCheckpoint(tx, operation, { name, message }, { ref, commit }) {
    await keepCheckpoint(tx, operation, { name, ref, commit, message });
  },

  async RestoreCheckpoint(tx, operation, { save: name }, { saved, commit }) {
    if (saved === null) return;
    const message = `Before the checkpoint ${commit.slice(0, SHORT_COMMIT)} was restored`;
    await keepCheckpoint(tx, operation, { name, ref: saved.ref, commit: saved.commit, message });
  },
};

/** Characters of a commit id for people. */
const SHORT_COMMIT = 12;
