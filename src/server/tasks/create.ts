import type { z } from "zod";
import { MakimaError } from "../../core/errors.ts";
import { shortId, slug, taskBranch } from "../../core/ids.ts";
import type { Contract, CreateTask, Repository, Task, TaskDefaults } from "../../protocol/api.ts";
import { requireOngoing } from "../contracts/ongoing.ts";
import { fromJson, toJson } from "../db/json.ts";
import type { Db, Write } from "../db/store.ts";
import type { StartAt } from "../db/tables.ts";
import { DISPATCH_TOPIC } from "../db/wakeups.ts";
import { queueOf } from "../dispatch/queue.ts";
import { newId } from "../ids.ts";
import { resolveDependencies, resolveSibling, setDependencies } from "./dependencies.ts";
import { withLimits } from "./settings.ts";
import { publishTask } from "./view.ts";

/** Tasks of one contract: more than anybody keeps an eye on, and what a supervisor that went astray can make. */
const MOST_TASKS = 1_000;

/**
 * Adds a task to a contract; what it does not say is as the contract has it. Throws `conflict` when the contract takes
 * none, `invalid_request` for a repository that is not the contract's, that or `not_found` for tasks that are not.
 */
export async function createTask(tx: Write, contractId: string, input: z.output<typeof CreateTask>): Promise<Task> {
  const contract = await requireOngoing(tx.db, contractId);
  await requireRoom(tx.db, contractId);
  const defaults = await defaultsOf(tx.db, contractId);
  const after = await resolveDependencies(tx.db, contractId, input.after);
  const parentId = input.parent === undefined ? null : await resolveSibling(tx.db, contractId, input.parent);
  const repository = repositoryOf(contract, defaults, input.repository);
  const id = await insertTask(tx, contract, {
    name: input.name,
    goal: input.goal,
    role: "worker",
    parentId,
    repository: repository.path,
    ...startOf(contract, repository.base, input.base),
    includeChanges: false,
    agent: input.agent ?? defaults.agent,
    checks: input.checks ?? defaults.checks,
    labels: input.labels ?? defaults.labels,
    settings: withLimits(defaults.settings, input.limits ?? {}),
  });
  if (after.length > 0) await setDependencies(tx, { id, contract_id: contractId }, after);
  tx.wake(DISPATCH_TOPIC);
  return publishTask(tx, id);
}

export interface NewTask extends TaskDefaults {
  name: string;
  /** null: the contract's. */
  goal: string | null;
  includeChanges: boolean;
  role: Task["role"];
  parentId: string | null;
  /** What takes the place of `base` when it starts; null: nothing. */
  startAt: StartAt | null;
}

/** Longest slug of a contract or task in a branch name (characters). */
export const MAX_SLUG = 40;

export async function insertTask(tx: Write, contract: { id: string; name: string }, task: NewTask): Promise<string> {
  const id = newId(tx.now);
  await tx.db
    .insertInto("tasks")
    .values({
      id,
      contract_id: contract.id,
      name: task.name,
      role: task.role,
      parent_id: task.parentId,
      status: "pending",
      reason: null,
      goal: task.goal,
      agent: task.agent,
      repository: task.repository,
      base: task.base,
      start_at: task.startAt === null ? null : toJson(task.startAt),
      branch: taskBranch(slug(contract.name, MAX_SLUG), slug(task.name, MAX_SLUG), shortId(id)),
      include_changes: task.includeChanges ? 1 : 0,
      checks: toJson(task.checks),
      labels: toJson(task.labels),
      settings: toJson(task.settings),
      queue: queueOf({ contractId: contract.id, role: task.role, labels: task.labels, home: null }),
      fence: 0,
      run_id: null,
      cost_usd: 0,
      wait_until: null,
      created_at: tx.now,
      updated_at: tx.now,
    })
    .execute();
  return id;
}

async function requireRoom(db: Db, contractId: string): Promise<void> {
  const { count } = await db
    .selectFrom("tasks")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("contract_id", "=", contractId)
    .executeTakeFirstOrThrow();
  if (count < MOST_TASKS) return;
  throw new MakimaError("conflict", `The contract has ${count} tasks: it takes no more`, {
    hint: "Resume a task with a message that says what is still to be done, or create another contract.",
  });
}

async function defaultsOf(db: Db, contractId: string): Promise<TaskDefaults> {
  const { defaults } = await db
    .selectFrom("contracts")
    .select("defaults")
    .where("id", "=", contractId)
    .executeTakeFirstOrThrow();
  if (defaults !== null) return fromJson(defaults);
  throw new MakimaError(
    "conflict",
    "An older makima made the contract: it does not say how further tasks are to be done",
    {
      hint: "Create another contract.",
    },
  );
}

function repositoryOf(
  { repositories }: Contract,
  defaults: TaskDefaults,
  given: string | undefined,
): Pick<Repository, "path" | "base"> {
  // A contract of an older makima lists none.
  const [first = { path: defaults.repository, base: defaults.base }] = repositories;
  const named = given === undefined ? first : [first, ...repositories].find(({ path }) => path === given);
  if (named !== undefined) return named;
  const paths = [first, ...repositories.slice(1)].map(({ path }) => path).join(", ");
  throw new MakimaError("invalid_request", `repository: ${given} is not one of the contract's: ${paths}`, {
    hint: "Name one of them, with its absolute path.",
  });
}

const FULL_COMMIT = /^[0-9a-f]{40,64}$/;

/** What is merged by the time that it starts is to be there; where nothing is, it starts where the contract did. */
function startOf(
  { integrationBranch }: Contract,
  base: string,
  given: string | undefined,
): Pick<NewTask, "base" | "startAt"> {
  if (given === undefined) {
    return { base, startAt: integrationBranch === "" ? null : { ref: integrationBranch, required: false } };
  }
  if (FULL_COMMIT.test(given)) return { base: given, startAt: null };
  return { base, startAt: { ref: given, required: true } };
}
