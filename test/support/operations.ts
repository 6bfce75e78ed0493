import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { checkoutDirectory } from "../../src/daemon/checkout/checkout.ts";
import type { Checkout, CheckoutKind } from "../../src/daemon/checkout/checkout.ts";
import { DoneCommands } from "../../src/daemon/journal/done-commands.ts";
import type { Answer } from "../../src/daemon/journal/done-commands.ts";
import { Operations } from "../../src/daemon/operations/operations.ts";
import type { OperationsOptions } from "../../src/daemon/operations/operations.ts";
import { Turns } from "../../src/daemon/operations/turns.ts";
import { createGit } from "../../src/platform/git/git.ts";
import { OPERATION_RESULTS } from "../../src/protocol/operations.ts";
import type { OperationKind, OperationOrder, OperationResult, OrderOf, Place } from "../../src/protocol/operations.ts";
import { makeCheckout, openTestRepository, writeFiles } from "./repository.ts";
import type { TestRepository } from "./repository.ts";
import { silent } from "./run.ts";
import { sandboxesAt } from "./sandboxes.ts";

/** What makes a daemon's operations; a daemon in a process of its own is given it as JSON. */
export interface OperationsPlace {
  worktrees: string;
  environment: Record<string, string>;
  /** Directory of what the daemon remembers. */
  home: string;
}

/**
 * A daemon's operations in a real repository. Disposing it proves that nothing is left of them: no worktree, no index,
 * no lock, no process.
 */
export interface OperationsBench extends AsyncDisposable {
  repository: TestRepository;
  place: OperationsPlace;
  operations: Operations;
  /** Carries an order out; throws the error of its answer. */
  carryOut<K extends OperationKind>(order: OrderOf<K>): Promise<OperationResult<K>>;
  /** Another start of the same daemon. */
  restart(): Promise<Operations>;
}

export async function openOperations({
  files,
  ...options
}: Partial<OperationsOptions> & { files?: Record<string, string> } = {}): Promise<OperationsBench> {
  const repository = await openTestRepository(files);
  const { root, worktrees, environment } = repository;
  const place = { worktrees, environment, home: root };
  const owned: Operations[] = [];
  const start = async (): Promise<Operations> => {
    const operations = await startOperations(place, options);
    owned.push(operations);
    return operations;
  };
  const bench: OperationsBench = {
    repository,
    place,
    operations: await start(),
    carryOut: async (order) => resultOf(order, await bench.operations.execute(randomUUID(), order)),
    restart: async () => {
      for (const operations of owned.splice(0)) await operations[Symbol.asyncDispose]();
      bench.operations = await start();
      return bench.operations;
    },
    [Symbol.asyncDispose]: async () => {
      for (const operations of owned) await operations[Symbol.asyncDispose]();
      await requireNothingLeft(repository);
      await repository[Symbol.asyncDispose]();
    },
  };
  return bench;
}

export async function startOperations(
  { worktrees, environment, home }: OperationsPlace,
  options: Partial<OperationsOptions> = {},
): Promise<Operations> {
  const tasks = new Turns(1);
  const sandboxes = sandboxesAt({ worktrees, environment });
  return Operations.open({
    git: createGit(environment, (dir) => sandboxes.forGit(dir)),
    sandboxes,
    worktrees,
    environment,
    passEnv: [],
    isAtWork: () => false,
    holdTask: (taskId) => tasks.take(taskId),
    checkouts: { carryOut: async () => assert.fail("nothing is asked about the daemon itself") },
    daemonId: "daemon-1",
    allowsRepository: () => true,
    commands: await DoneCommands.open(home),
    log: silent,
    ...options,
  });
}

/** What an answer says, in the shape that the protocol has for it, and of a size that the link can carry. */
export function resultOf<K extends OperationKind>(order: OrderOf<K>, { error, result }: Answer): OperationResult<K> {
  if (error !== null) throw Object.assign(new Error(error.message), error);
  assert.ok(JSON.stringify(result).length < 1024 * 1024 - 1024);
  return OPERATION_RESULTS[(order as OperationOrder).kind].parse(result) as OperationResult<K>;
}

/** A task of the repository that was never started. */
export function placeOf(repository: TestRepository, name = "task-1"): Place {
  return {
    taskId: name,
    repository: repository.dir,
    base: repository.base,
    branch: `makima/goal/${name}`,
    bubblewrap: false,
  };
}

/** A task with a branch: `files` are committed there, on top of `from`. null deletes a file. */
export async function taskWith(
  repository: TestRepository,
  files: Record<string, string | Buffer | null>,
  { name = "task-1", from = repository.base }: { name?: string; from?: string } = {},
): Promise<Place> {
  const git = (cwd: string, ...args: string[]) => repository.run(cwd, ...args);
  const { dir } = repository;
  const at = join(repository.root, `work-${randomUUID()}`);
  const { branch } = placeOf(repository, name);
  const known = git(dir, "branch", "--list", branch) !== "";
  git(dir, "worktree", "add", "--quiet", ...(known ? [at, branch] : ["-b", branch, at, from]));
  for (const [path, content] of Object.entries(files)) {
    if (content === null) git(at, "rm", "--quiet", "-r", "--", path);
    else await writeFiles(at, { [path]: content });
  }
  git(at, "add", "--all");
  git(at, "commit", "--quiet", "--allow-empty", `--message=Work of ${name}`);
  git(dir, "worktree", "remove", "--force", at);
  return placeOf(repository, name);
}

/** The checkout that a task works in. */
export function checkoutFor(
  repository: TestRepository,
  place: Place,
  kind: CheckoutKind = "worktree",
): Promise<Checkout> {
  const { taskId, branch, base } = place;
  const dir = checkoutDirectory(repository.worktrees, place);
  return makeCheckout(repository, { taskId, branch, baseCommit: base, dir, adoptBranch: true, kind });
}

/** An order to merge a task's branch into another one, which is made where it is not there. */
export function mergeOrder(
  place: Place,
  fields: Partial<Omit<OrderOf<"MergeBranch">, "kind" | "place">> = {},
): OrderOf<"MergeBranch"> {
  return {
    kind: "MergeBranch",
    place,
    into: "makima/goal/integration",
    start: place.base,
    squash: false,
    dryRun: false,
    message: `Merge ${place.branch}`,
    checks: [],
    verifiedTrees: [],
    ...fields,
  };
}

/** Checks of a merge, with time enough. */
export function checks(...commands: string[]): OrderOf<"MergeBranch">["checks"] {
  return commands.map((command) => ({ name: command, command, timeoutMs: 60_000 }));
}

async function requireNothingLeft(repository: TestRepository): Promise<void> {
  const { root, dir, worktrees } = repository;
  const entries = repository.run(dir, "worktree", "list", "--porcelain").split("\n");
  const listed = entries.filter((line) => line.startsWith("worktree ")).map((line) => line.slice("worktree ".length));
  assert.deepEqual(
    listed.filter((path) => !existsSync(path)),
    [],
    "worktrees that are gone are forgotten",
  );
  const operations = join(worktrees, ".operations-daemon-1");
  assert.deepEqual(existsSync(operations) ? await readdir(operations) : [], []);
  const names = await readdir(join(dir, ".git"), { recursive: true });
  assert.deepEqual(
    names.filter((name) => /\.lock$|makima-index-in-use/.test(name)),
    [],
  );
  assert.deepEqual(await processesIn(root), []);
}

/** Command lines of live processes that were started for something below `root`. */
async function processesIn(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    if (environment.includes(root)) found.push(await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => pid));
  }
  return found;
}
