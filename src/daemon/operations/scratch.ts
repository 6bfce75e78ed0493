import { randomUUID } from "node:crypto";
import { mkdir, readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ensurePrivateDir, exists, readJson, writeAtomic } from "../../platform/files.ts";
import type { Git } from "../../platform/git/git.ts";
import type { Logger } from "../../platform/log.ts";
import { killByEnvironment } from "../../platform/process/reap.ts";
import { CHECKOUT_TIMEOUT_MS, writeRecord } from "../checkout/checkout.ts";
import type { Checkout, CheckoutKind } from "../checkout/checkout.ts";
import { makeClone } from "../checkout/clone.ts";
import { removeTree } from "../checkout/remove-tree.ts";
import { entryOf, forgetWorktree } from "../checkout/worktree-entry.ts";

/** By this variable the processes are found that work in a scratch directory. */
const MARKER = "MAKIMA_OPERATION";

/** Where scratch directories go, and who is told of one that cannot be removed. */
interface ScratchPlace {
  scratch: string;
  log: Logger;
}

/** What is in a scratch directory, so that it can be taken back whoever made it. */
const Contents = z.strictObject({ commonDir: z.string() });

/** What a throw-away checkout is made for, and of. */
interface ScratchCheckout {
  kind: CheckoutKind;
  taskId: string;
  branch: string;
  repository: { topLevel: string; commonDir: string };
  commit: string;
}

/**
 * A directory for what one operation needs meanwhile: an index, output of checks, a checkout to throw away. Disposing it
 * leaves nothing of that, in the repository neither; what a killed daemon leaves, the next one sweeps away.
 */
export class Scratch implements AsyncDisposable {
  readonly dir: string;
  readonly #log: Logger;

  private constructor(dir: string, log: Logger) {
    this.dir = dir;
    this.#log = log;
  }

  static async make({ scratch, log }: ScratchPlace): Promise<Scratch> {
    await ensurePrivateDir(scratch);
    // Real, as git and the kernel will report it.
    const dir = join(await realpath(scratch), randomUUID());
    await mkdir(dir, { mode: 0o700 });
    return new Scratch(dir, log);
  }

  /** Removes what daemons have left that were killed. */
  static async sweep({ scratch, log }: ScratchPlace): Promise<void> {
    if (!(await exists(scratch))) return;
    const root = await realpath(scratch);
    for (const name of await readdir(root)) {
      await using left = new Scratch(join(root, name), log);
      // The daemon's death does not end its git.
      await killByEnvironment(MARKER, left.dir);
    }
  }

  /** Variables that mark a process as one that works here. */
  get marks(): Record<string, string> {
    return { [MARKER]: this.dir };
  }

  /** The same git, whose processes are marked. */
  marking(git: Git): Git {
    return (at, args, options) => git(at, args, { ...options, variables: { ...options?.variables, ...this.marks } });
  }

  /** Makes a checkout with HEAD at a commit and on no branch. */
  async checkout(git: Git, { kind, taskId, branch, repository, commit }: ScratchCheckout): Promise<Checkout> {
    const { topLevel, commonDir } = repository;
    // First of all, so that from now on whatever there is can be taken back.
    await writeAtomic(contentsOf(this.dir), JSON.stringify({ commonDir } satisfies z.infer<typeof Contents>));
    const dir = checkoutIn(this.dir);
    const facts = { kind, taskId, commonDir, branch, baseCommit: commit, start: commit };
    if (kind === "clone") {
      // By its record confined git learns which repository it borrows from.
      await writeRecord(dir, { ...facts, made: null });
      const options = { confined: true, variables: this.marks };
      return { ...facts, dir, gitDir: await makeClone(git, dir, { commonDir, commit, branch: null }, options) };
    }
    const args = ["worktree", "add", "--quiet", "--detach", dir, commit];
    await this.marking(git)({ cwd: topLevel, gitDir: commonDir }, args, { timeoutMs: CHECKOUT_TIMEOUT_MS });
    return { ...facts, dir, gitDir: await entryOf(dir) };
  }

  /** What cannot be removed now must not undo what was done; the next start tries again. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await clear(this.dir);
    } catch (error) {
      this.#log.error({ err: error, path: this.dir }, "what an operation needed meanwhile cannot be removed");
    }
  }
}

function contentsOf(dir: string): string {
  return join(dir, "contents.json");
}

function checkoutIn(dir: string): string {
  return join(dir, "merged");
}

/** Done again after a crash at any point, it finishes. */
async function clear(dir: string): Promise<void> {
  const { data } = Contents.safeParse(await readJson(contentsOf(dir)));
  if (data !== undefined) {
    // A check may have fled from its group.
    await killByEnvironment(MARKER, dir);
    await removeTree(checkoutIn(dir));
    await forgetWorktree(data.commonDir, checkoutIn(dir));
  }
  // What was written down goes only now: until then, the entry in the repository must not be forgotten.
  await removeTree(dir);
}
