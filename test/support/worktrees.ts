import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { checkoutDirectory } from "../../src/daemon/checkout/checkout.ts";
import type { Checkout } from "../../src/daemon/checkout/checkout.ts";
import type { CheckoutSpec } from "../../src/daemon/checkout/create.ts";
import { Runs } from "../../src/daemon/runs.ts";
import type { WorktreesKind, WorktreesOptions } from "../../src/daemon/worktrees/worktrees.ts";
import { Worktrees } from "../../src/daemon/worktrees/worktrees.ts";
import { createLogger } from "../../src/platform/log.ts";
import type { OperationResult, OrderOf } from "../../src/protocol/operations.ts";
import { ManualClock } from "../../src/server/testing/manual-clock.ts";
import { resultOf } from "./operations.ts";
import { makeCheckout, openTestRepository } from "./repository.ts";
import type { TestRepository } from "./repository.ts";
import { runnerServices } from "./run.ts";

export const NEVER = new AbortController().signal;

/** Where a daemon works that has no runs; one in a process of its own is given it as JSON. */
export interface WorktreesPlace {
  home: string;
  worktrees: string;
  environment: Record<string, string>;
}

/** A daemon's checkouts. Disposing it ends the daemon. */
export interface StartedWorktrees extends AsyncDisposable {
  worktrees: Worktrees;
}

/** A daemon's checkouts of one repository, without runs. */
export interface WorktreesBench extends AsyncDisposable {
  repository: TestRepository;
  place: WorktreesPlace;
  clock: ManualClock;
  worktrees: Worktrees;
  /** What was logged: level and message. */
  logged: { level: number; msg: string }[];
  /** Another start of the same daemon. */
  restart(): Promise<Worktrees>;
  carryOut<K extends WorktreesKind>(order: OrderOf<K>): Promise<OperationResult<K>>;
}

export async function openWorktrees(options: Partial<WorktreesOptions> = {}): Promise<WorktreesBench> {
  const repository = await openTestRepository();
  const { root, worktrees, environment } = repository;
  const place = { home: join(root, "makima"), worktrees, environment };
  const clock = new ManualClock();
  const logged: WorktreesBench["logged"] = [];
  const stream = { write: (line: string) => logged.push(JSON.parse(line) as WorktreesBench["logged"][number]) };
  const log = createLogger({ level: "info", format: "json", stream });
  const start = () => startWorktrees(place, { orphanGraceMs: 1_000, clock, log, ...options });
  let started = await start();
  const bench: WorktreesBench = {
    repository,
    place,
    clock,
    worktrees: started.worktrees,
    logged,
    restart: async () => {
      await started[Symbol.asyncDispose]();
      started = await start();
      bench.worktrees = started.worktrees;
      return started.worktrees;
    },
    carryOut: async (order) => {
      const result = (await bench.worktrees.carryOut(order, NEVER)) as Record<string, unknown>;
      return resultOf(order, { error: null, result });
    },
    [Symbol.asyncDispose]: async () => {
      await started[Symbol.asyncDispose]();
      await repository[Symbol.asyncDispose]();
    },
  };
  return bench;
}

export async function startWorktrees(
  { home, worktrees: root, environment }: WorktreesPlace,
  options: Partial<WorktreesOptions> = {},
): Promise<StartedWorktrees> {
  await mkdir(join(home, "runs"), { recursive: true });
  await mkdir(root, { recursive: true });
  const services = runnerServices({ worktrees: root, environment, program: "" });
  const runs = await Runs.open(join(home, "runs"), services);
  const { git, allowsRepository, clock, log } = services;
  const limits = { quotaBytes: null, orphanGraceMs: 0 };
  const worktrees = await Worktrees.open({
    home,
    root,
    ...limits,
    git,
    allowsRepository,
    runs,
    clock,
    log,
    ...options,
  });
  return {
    worktrees,
    [Symbol.asyncDispose]: async () => {
      await worktrees[Symbol.asyncDispose]();
      await runs[Symbol.asyncDispose]();
    },
  };
}

/** A checkout as a run of the task would have it. */
export function checkoutOfTask(
  repository: TestRepository,
  taskId: string,
  fields: Partial<CheckoutSpec> = {},
): Promise<Checkout> {
  const branch = `makima/goal/${taskId}`;
  const dir = checkoutDirectory(repository.worktrees, { taskId, branch: fields.branch ?? branch });
  return makeCheckout(repository, { taskId, branch, dir, ...fields });
}
