import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstat, mkdir, mkdtemp, readFile, readdir, readlink, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Checkout } from "../../src/daemon/checkout/checkout.ts";
import { createCheckout } from "../../src/daemon/checkout/create.ts";
import type { CheckoutSpec } from "../../src/daemon/checkout/create.ts";
import { createGit } from "../../src/platform/git/git.ts";
import type { Git } from "../../src/platform/git/git.ts";
import { sandboxesAt } from "./sandboxes.ts";

/** A person's repository with one commit on `main`, in a temporary directory of its own. */
export interface TestRepository extends AsyncDisposable {
  /** Everything of the test lies below it; resolved, no symbolic links. */
  root: string;
  /** The person's checkout. */
  dir: string;
  commonDir: string;
  /** The commit that it started with. */
  base: string;
  /** Where checkouts go. */
  worktrees: string;
  /** makima's git, in the person's environment, and sandboxed where it is to be confined. */
  git: Git;
  environment: Record<string, string>;
  /** git as the person, or an agent, types it; trimmed output. */
  run(cwd: string, ...args: string[]): string;
}

export async function openTestRepository(
  files: Record<string, string> = { "a.txt": "one\n" },
): Promise<TestRepository> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "makima-git-")));
  const environment = {
    PATH: process.env["PATH"] ?? "",
    HOME: root,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: join(root, ".gitconfig"),
  };
  await writeFile(environment.GIT_CONFIG_GLOBAL, "[user]\n\tname = Ada\n\temail = ada@example.com\n");
  const run = (cwd: string, ...args: string[]): string =>
    execFileSync("git", args, { cwd, env: environment, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  const dir = join(root, "repository");
  await makeRepository(dir, files, run);
  const worktrees = join(root, "worktrees");
  const sandboxes = sandboxesAt({ worktrees, environment });
  return {
    root,
    dir,
    commonDir: join(dir, ".git"),
    base: run(dir, "rev-parse", "HEAD"),
    worktrees,
    git: createGit(environment, (directory) => sandboxes.forGit(directory)),
    environment,
    run,
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

/** What is asked for the checkout of a task called "task-1". */
export function checkoutSpec(r: TestRepository): CheckoutSpec {
  return {
    taskId: "task-1",
    repository: { topLevel: r.dir, commonDir: r.commonDir },
    branch: "makima/goal/task-1",
    adoptBranch: false,
    baseCommit: r.base,
    dir: join(r.worktrees, "task-1"),
    includeChanges: false,
    kind: "worktree",
  };
}

export async function makeCheckout(r: TestRepository, spec: Partial<CheckoutSpec> = {}): Promise<Checkout> {
  return createCheckout(r.git, { ...checkoutSpec(r), ...spec });
}

/** Writes files below a directory, with the directories that they need. */
export async function writeFiles(dir: string, files: Record<string, string | Buffer>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
  }
}

/**
 * One hash over all that a person has in a repository: files with modes and times, HEAD, index, configuration, hooks,
 * refs, logs. Left out is what makima may add: objects, worktree entries, refs below `makima`.
 */
export async function hashRepository(dir: string): Promise<string> {
  const hash = createHash("sha256");
  await addTo(hash, dir, "");
  return hash.digest("hex");
}

async function makeRepository(dir: string, files: Record<string, string>, run: TestRepository["run"]): Promise<void> {
  await mkdir(dir);
  run(dir, "init", "--quiet", "--initial-branch=main");
  await writeFiles(dir, files);
  run(dir, "add", "--all");
  run(dir, "commit", "--quiet", "--allow-empty", "--message=First");
}

const MAKIMAS = /^\.git\/(objects|worktrees|(logs\/)?refs\/makima|(logs\/)?refs\/heads\/makima)$/;

async function addTo(hash: ReturnType<typeof createHash>, top: string, path: string): Promise<void> {
  for (const name of (await readdir(join(top, path))).toSorted()) {
    const inner = join(path, name);
    if (MAKIMAS.test(inner)) continue;
    const full = join(top, inner);
    const { mode, mtimeMs, ...kind } = await lstat(full).then((stats) => ({
      mode: stats.mode,
      mtimeMs: stats.mtimeMs,
      directory: stats.isDirectory(),
      link: stats.isSymbolicLink(),
    }));
    hash.update(`${inner}\0${mode}\0`);
    if (kind.directory) await addTo(hash, top, inner);
    else hash.update(kind.link ? await readlink(full) : await readFile(full)).update(`\0${mtimeMs}\0`);
  }
}
