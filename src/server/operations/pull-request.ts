import { pullRequestBody } from "../../core/pull-request.ts";
import type { Repository } from "../../protocol/api.ts";
import type { OrderOf } from "../../protocol/operations.ts";
import type { Db } from "../db/store.ts";
import type { ContractFacts, TaskFacts } from "./facts.ts";

type PullRequestOrder = OrderOf<"CreatePullRequest">;

/** What of a pull request may be said; absent, it is made from what is known of the work. */
interface Said {
  title?: string | undefined;
  body?: string | undefined;
  draft: boolean;
}

/** For a task's branch, or without a task for the contract's integration branch. */
export async function pullRequestOrder(
  db: Db,
  { contract, task, repository }: { contract: ContractFacts; task: TaskFacts | null; repository: Repository },
  { title, body, draft }: Said,
): Promise<PullRequestOrder> {
  return {
    kind: "CreatePullRequest",
    repository: repository.path,
    branch: task?.branch ?? contract.integrationBranch,
    into: repository.branch,
    title: title ?? (task ?? contract).name,
    body: body ?? (await bodyFor(db, contract, task)),
    draft,
  };
}

async function bodyFor(db: Db, contract: ContractFacts, task: TaskFacts | null): Promise<string> {
  const checks = (task ?? contract).checks.map(({ command }) => command);
  const tasks = task === null ? await mergedTasks(db, contract.id) : [task];
  return pullRequestBody({ goal: await goalOf(db, contract.id, task?.id ?? null), checks, tasks });
}

async function goalOf(db: Db, contractId: string, taskId: string | null): Promise<string> {
  const { goal } = await db
    .selectFrom("contracts")
    .select("goal")
    .where("id", "=", contractId)
    .executeTakeFirstOrThrow();
  if (taskId === null) return goal;
  const task = await db.selectFrom("tasks").select("goal").where("id", "=", taskId).executeTakeFirstOrThrow();
  return task.goal ?? goal;
}

async function mergedTasks(db: Db, contractId: string) {
  return db
    .selectFrom("tasks")
    .select(["id", "name", "status"])
    .where("contract_id", "=", contractId)
    .where("merge", "=", "merged")
    .orderBy("id")
    .execute();
}
