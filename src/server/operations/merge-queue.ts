import { shortId } from "../../core/ids.ts";
import { CONTRACT, isLive } from "../../core/task-state.ts";
import type { Repository } from "../../protocol/api.ts";
import type { OperationOrder } from "../../protocol/operations.ts";
import type { Db, Write } from "../db/store.ts";
import { notifyMergeFailed } from "../notifications/occasions.ts";
import { changeTask } from "../tasks/change.ts";
import { tellDependants } from "../tasks/dependencies.ts";
import { publishTask } from "../tasks/view.ts";
import { daemonOfContract } from "./daemon.ts";
import { contractFacts, taskFacts } from "./facts.ts";
import type { ContractFacts, TaskFacts } from "./facts.ts";
import { addOperation } from "./give.ts";
import { mergeOrder } from "./merge-order.ts";
import { pullRequestOrder } from "./pull-request.ts";

/** Whether a task's work is to be merged once it is completed: there is something to merge, and it is the plan. */
export async function isMergeWanted(db: Db, taskId: string): Promise<boolean> {
  const task = await taskFacts(db, taskId);
  return isToMerge(await contractFacts(db, task.contractId), task);
}

/** Marks a completed task's work as to be merged, if it is, and has it merged. What waits for the task waits for that too. */
export async function queueMerge(tx: Write, taskId: string): Promise<void> {
  const { status } = await taskFacts(tx.db, taskId);
  if (status !== "completed" || !(await isMergeWanted(tx.db, taskId))) return;
  await changeTask(tx, taskId, { merge: "queued" });
  await publishTask(tx, taskId);
  await tellDependants(tx, taskId);
  await orderMerge(tx, taskId);
}

/** Puts the branch of a task whose merge is `queued` into its contract's queue, to be merged into the integration branch. */
export async function orderMerge(tx: Write, taskId: string): Promise<void> {
  const task = await taskFacts(tx.db, taskId);
  const contract = await contractFacts(tx.db, task.contractId);
  if (task.run === null) throw new Error(`task ${taskId} has no run to merge`);
  await addOperation(tx, {
    contractId: contract.id,
    taskId,
    daemonId: task.run.daemonId,
    origin: "queue",
    order: mergeOrder(contract, task, { into: contract.integrationBranch, squash: false, dryRun: false }),
  });
}

/**
 * Takes what a completed contract has come to where it is to go in the end, in every repository in which something was
 * merged, once the merges before it are over.
 */
export async function landContract(tx: Write, contractId: string): Promise<void> {
  const contract = await contractFacts(tx.db, contractId);
  for (const repository of contract.repositories) {
    const order = await landingOrder(tx.db, contract, repository);
    if (order === null || !(await hasWork(tx.db, contractId, repository.path))) continue;
    const daemonId = await daemonOfContract(tx.db, contractId, repository.path);
    if (daemonId !== null) {
      await addOperation(tx, { contractId, taskId: null, daemonId, origin: "queue", order });
    } else {
      await notifyMergeFailed(tx, {
        subject: `${contractId}/${repository.path}`,
        contractId,
        taskId: null,
        into: repository.branch ?? "the remote's default branch",
        reason: "The daemon that has the work was removed",
      });
    }
  }
}

function isToMerge(contract: ContractFacts, { role, base, run }: TaskFacts): boolean {
  if (contract.completionAction === "none" || contract.integrationBranch === "") return false;
  if (!isLive(CONTRACT, contract.status) || role !== "worker") return false;
  return run !== null && run.branchKept && run.head !== null && run.head !== base;
}

/** null: its work stays where it is. */
async function landingOrder(db: Db, contract: ContractFacts, repository: Repository): Promise<OperationOrder | null> {
  const { id, name, completionAction, integrationBranch, bubblewrap } = contract;
  if (completionAction === "pr") {
    return pullRequestOrder(db, { contract, task: null, repository }, { draft: false });
  }
  if (completionAction !== "merge" || repository.branch === null) return null;
  return {
    kind: "MergeBranch",
    place: { taskId: id, repository: repository.path, base: repository.base, branch: integrationBranch, bubblewrap },
    into: repository.branch,
    start: null,
    squash: false,
    dryRun: false,
    message: `Merge ${name} (${shortId(id)})`,
    checks: [...contract.checks],
    verifiedTrees: [],
  };
}

/** Whether anything of a repository is in the integration branch, or about to be. */
async function hasWork(db: Db, contractId: string, repository: string): Promise<boolean> {
  const task = await db
    .selectFrom("tasks")
    .select("id")
    .where("contract_id", "=", contractId)
    .where("repository", "=", repository)
    .where("merge", "in", ["merged", "queued"])
    .limit(1)
    .executeTakeFirst();
  return task !== undefined;
}
