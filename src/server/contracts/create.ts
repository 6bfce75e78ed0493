import type { z } from "zod";
import { MakimaError } from "../../core/errors.ts";
import { integrationBranch, shortId, slug } from "../../core/ids.ts";
import { firstPhase } from "../../core/phases.ts";
import { TaskDefaults } from "../../protocol/api.ts";
import type { Contract, CreateContract, OpenContract, Repository, Task } from "../../protocol/api.ts";
import { toJson } from "../db/json.ts";
import type { Write } from "../db/store.ts";
import { DISPATCH_TOPIC } from "../db/wakeups.ts";
import { newId } from "../ids.ts";
import { insertTask, MAX_SLUG } from "../tasks/create.ts";
import type { NewTask } from "../tasks/create.ts";
import { publishTask } from "../tasks/view.ts";
import { requirePossible } from "./completion-action.ts";
import { publishContract } from "./contracts.ts";

export type NewContract = z.output<typeof CreateContract>;

/** A contract and its first task: one that is the whole of its work, or a supervisor that is to drive it. */
export async function createContract(tx: Write, input: NewContract): Promise<{ contract: Contract; task: Task }> {
  const { supervisor, includeChanges, ...terms } = input;
  if (!supervisor && terms.type !== "simple") {
    throw new MakimaError("invalid_request", `type: somebody has to drive a ${terms.type} through its phases`, {
      hint: "Ask for a supervisor, or open it without a task and drive it yourself.",
    });
  }
  const id = await insertContract(tx, terms, supervisor ? "supervisor" : "task");
  const work = defaultsOf(terms);
  const first = supervisor ? supervisorOf(work) : ({ ...work, role: "worker", includeChanges } as const);
  // Its goal is the contract's, and it starts where the contract does: there is no integration branch yet.
  const whole = { ...first, name: input.name, goal: null, parentId: null, startAt: null };
  const taskId = await insertTask(tx, { id, name: input.name }, whole);
  const contract = await publishContract(tx, id);
  const task = await publishTask(tx, taskId);
  tx.wake(DISPATCH_TOPIC);
  return { contract, task };
}

/** A contract that a person drives, without a task. */
export async function openContract(tx: Write, input: Terms): Promise<Contract> {
  return publishContract(tx, await insertContract(tx, input, "person"));
}

type Terms = z.output<typeof OpenContract>;

async function insertContract(tx: Write, terms: Terms, driver: Contract["driver"]): Promise<string> {
  const id = newId(tx.now);
  const repositories = repositoriesOf(terms);
  const branch = integrationBranch(slug(terms.name, MAX_SLUG), shortId(id));
  requirePossible(terms.completionAction, { integrationBranch: branch, repositories });
  await tx.db
    .insertInto("contracts")
    .values({
      id,
      name: terms.name,
      status: "active",
      type: terms.type,
      // What one task is all of needs no plan.
      phase: driver === "task" ? "execute" : firstPhase(terms.type),
      driver,
      goal: terms.goal,
      goals: toJson(terms.goals.map((text) => ({ text, done: false }))),
      repositories: toJson(repositories),
      integration_branch: branch,
      completion_action: terms.completionAction,
      budget_usd: terms.budgetUsd,
      max_parallel: terms.maxParallel,
      defaults: toJson(defaultsOf(terms)),
      created_at: tx.now,
      updated_at: tx.now,
    })
    .execute();
  return id;
}

function repositoriesOf({ repository, base, baseBranch, repositories }: Terms): Repository[] {
  const all = [{ path: repository, base, branch: baseBranch ?? null }, ...repositories];
  const twice = all.find(({ path }, index) => all.findIndex((one) => one.path === path) !== index);
  if (twice === undefined) return all;
  throw new MakimaError("invalid_request", `repositories: ${twice.path} is named twice`);
}

const DEFAULTS = TaskDefaults.strip();

/** What the tasks to come have where they do not say otherwise: nothing else of the contract's terms. */
function defaultsOf(terms: Terms): TaskDefaults {
  return DEFAULTS.parse(terms);
}

/** It wakes up for every message of its contract: a worker's few iterations would be used up by the first few tasks. */
const SUPERVISOR_ITERATIONS = 100;

/** It changes no files that a check could judge, and it may sit in a command that waits for its tasks. */
function supervisorOf(work: TaskDefaults): Pick<NewTask, keyof TaskDefaults | "role" | "includeChanges"> {
  const { limits } = work.settings;
  const settings = {
    ...work.settings,
    limits: {
      ...limits,
      maxIterations: Math.max(limits.maxIterations, SUPERVISOR_ITERATIONS),
      idleTimeoutMs: limits.iterationTimeoutMs,
      baseline: false,
    },
  };
  return { ...work, settings, checks: [], role: "supervisor", includeChanges: false };
}
