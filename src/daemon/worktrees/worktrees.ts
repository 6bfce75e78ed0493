import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { errorBody, MakimaError } from "../../core/errors.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Git } from "../../platform/git/git.ts";
import type { Logger } from "../../platform/log.ts";
import type { Command, CommandError } from "../../protocol/link.ts";
import type { OperationResult, OrderOf } from "../../protocol/operations.ts";
import { removeTree } from "../checkout/remove-tree.ts";
import { requirePlainNames } from "../journal/plain-names.ts";
import { contractCaches } from "../sandbox/caches.ts";
import { cleanWorktrees } from "./clean.ts";
import type { WorktreesContext } from "./context.ts";
import { knownCheckouts } from "./inventory.ts";
import type { KnownCheckout } from "./inventory.ts";
import { KnownRepositories } from "./known-repositories.ts";
import { listWorktrees } from "./list.ts";
import { Orphans } from "./orphans.ts";
import { Removals } from "./removals.ts";
import type { Work } from "./removals.ts";
import { restoreWorktree } from "./restore.ts";
import { Sizes } from "./sizes.ts";
import { emptyTrash } from "./trash.ts";

/** Between two looks at whether an orphan's time has come, and at how much the checkouts at work have grown (ms). */
const LOOK_EVERY = 10 * 60_000;

/** Tasks that a hello names: their ids make less than half of a frame. The oldest come first, being over most likely. */
const MOST_TASKS = 10_000;

/** Checkouts that an error names. */
const MOST_NAMED = 10;

export type WorktreesKind = "ListWorktrees" | "CleanWorktrees" | "RestoreWorktree";
export type WorktreesOrder = OrderOf<WorktreesKind>;

type CleanUp = Extract<Command, { kind: "CleanupWorktree" }>;

/** The daemon's runs, as far as their checkouts are concerned. */
export interface WorktreesRuns extends Work {
  stop(
    over: { contractId: string; taskIds: readonly string[] },
    reason: string,
    signal: AbortSignal,
  ): Promise<string[]>;
  whenEnded(listener: (taskId: string) => void): Disposable;
}

export interface WorktreesOptions {
  /** makima's own directory. */
  home: string;
  /** Directory of this daemon's checkouts, and of no other daemon's: whatever has a record there is its own to remove. */
  root: string;
  /** Bytes that all checkouts together should not pass; null: no limit. */
  quotaBytes: number | null;
  /** How long (ms) a checkout of a task that the server does not know is left alone. */
  orphanGraceMs: number;
  git: Git;
  /** Whether the daemon may work in a repository, by its real path. */
  allowsRepository: (path: string) => boolean;
  runs: WorktreesRuns;
  clock: Clock;
  log: Logger;
}

/** Owns the directory of a daemon's checkouts: what is in it, how big it is, and what of it has to go. */
export class Worktrees implements AsyncDisposable {
  readonly #options: WorktreesOptions;
  readonly #context: WorktreesContext;
  readonly #orphans: Orphans;
  readonly #closing = new AbortController();
  readonly #runsEnd: Disposable;
  /** Work that nobody waits for but this daemon's end. */
  readonly #background = new Set<Promise<void>>();
  #measured = false;

  private constructor(options: WorktreesOptions, context: WorktreesContext, orphans: Orphans) {
    this.#options = options;
    this.#context = context;
    this.#orphans = orphans;
    this.#runsEnd = options.runs.whenEnded((taskId) => {
      this.#aside("checkouts cannot be measured", () => this.#measure(({ record }) => record.taskId === taskId));
    });
  }

  /** To be opened once the runs are: whether one is at work is asked from the first moment on. */
  static async open(options: WorktreesOptions): Promise<Worktrees> {
    const { home, git, runs, log, allowsRepository } = options;
    const root = await realpath(options.root);
    const repositories = await KnownRepositories.open(home, { git, allowsRepository });
    const context: WorktreesContext = {
      root,
      git,
      allowsRepository,
      work: runs,
      removals: new Removals({ git, work: runs, repositories, log }),
      sizes: new Sizes(options.quotaBytes, log),
      repositories,
      log,
    };
    const orphans = await Orphans.open(join(root, ".orphans.json"));
    const worktrees = new Worktrees(options, context, orphans);
    worktrees.#begin();
    return worktrees;
  }

  /** Tasks that there are checkouts of, whole or not. */
  async taskIds(): Promise<string[]> {
    const known = await knownCheckouts(this.#context.root);
    const ids = new Set(known.map(({ record }) => record.taskId));
    if (ids.size > MOST_TASKS)
      this.#options.log.warn({ tasks: ids.size }, "more checkouts than a server can be told of");
    return [...ids].slice(0, MOST_TASKS);
  }

  /** What the checkouts take, as last measured; null before they were. */
  usage(): { bytes: number; quota: number | null } | null {
    const { total: bytes, quota } = this.#context.sizes;
    return this.#measured ? { bytes, quota } : null;
  }

  /** To be told of every repository (any path in it) before a run works there: what is salvaged is looked for in it. */
  expectIn(repository: string): Promise<void> {
    return this.#context.repositories.note(repository);
  }

  /** To be told with every welcome which of `taskIds` the server does not know. */
  welcomed(orphans: readonly string[]): void {
    this.#aside("orphans cannot be swept", async () => {
      const known = new Set((await knownCheckouts(this.#context.root)).map(({ record }) => record.taskId));
      const ours = orphans.filter((id) => known.has(id));
      await this.#orphans.note(ours, this.#options.clock.now());
      await this.#sweep();
      await this.#measure(() => false);
    });
  }

  /**
   * Removes what this daemon has for a contract that is over, after its runs were stopped: checkouts and caches. Resolves
   * to null, or to an error that names what stays; asked for again, it tries again. Rejects when `signal` aborts.
   */
  async cleanUp(command: CleanUp, signal: AbortSignal): Promise<CommandError | null> {
    try {
      await this.#cleanUp(command, signal);
      return null;
    } catch (error) {
      signal.throwIfAborted();
      this.#options.log.error({ err: error, contract: command.contractId }, "a contract cannot be cleaned up whole");
      return errorBody(error);
    } finally {
      this.#aside("checkouts cannot be measured", () => this.#measure(() => false));
    }
  }

  /** Carries an operation out that is about this daemon, and about no repository in particular. */
  async carryOut(order: WorktreesOrder, signal: AbortSignal): Promise<OperationResult<WorktreesKind>> {
    switch (order.kind) {
      case "ListWorktrees":
        return listWorktrees(this.#context, order, signal);
      case "CleanWorktrees":
        return cleanWorktrees(this.#context, order, signal);
      case "RestoreWorktree":
        return restoreWorktree(this.#context, order);
    }
  }

  /** What is being removed is removed first. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#runsEnd[Symbol.dispose]();
    this.#closing.abort(new DOMException("The daemon is closing", "AbortError"));
    await Promise.all(this.#background);
  }

  async #cleanUp({ contractId, taskIds }: CleanUp, signal: AbortSignal): Promise<void> {
    requirePlainNames("contract", [contractId]);
    const { root, removals } = this.#context;
    const stopped = await this.#options.runs.stop({ contractId, taskIds }, "The contract is over", signal);
    const tasks = new Set([...taskIds, ...stopped]);
    const kept: string[] = [];
    for (const checkout of await knownCheckouts(root)) {
      if (!tasks.has(checkout.record.taskId)) continue;
      signal.throwIfAborted();
      const removal = await removals.remove(checkout);
      if (removal.outcome === "kept") kept.push(`${checkout.dir} (${removal.reason})`);
    }
    await removeTree(contractCaches(this.#options.home, contractId));
    requireNone(kept);
  }

  #begin(): void {
    const { root } = this.#context;
    const closing = this.#closing.signal;
    this.#aside("the trash cannot be emptied", () => emptyTrash(root, closing));
    this.#aside("checkouts cannot be measured", async () => {
      await this.#measure(() => true);
      this.#measured = true;
    });
    this.#aside("checkouts are not looked after any more", async () => {
      for (;;) {
        await this.#options.clock.sleep(LOOK_EVERY, closing);
        await this.#attempt("orphans cannot be swept", () => this.#sweep());
        const isAtWork = ({ record }: KnownCheckout) => this.#options.runs.isAtWork(record.taskId);
        await this.#attempt("checkouts cannot be measured", () => this.#measure(isAtWork));
      }
    });
  }

  /** Removes the checkouts of orphans whose time has come, but for those that a run of this daemon works in. */
  async #sweep(): Promise<void> {
    const { root, removals } = this.#context;
    const due = this.#orphans.due(this.#options.clock.now(), this.#options.orphanGraceMs);
    if (due.size === 0) return;
    for (const checkout of await knownCheckouts(root)) {
      this.#closing.signal.throwIfAborted();
      if (due.has(checkout.record.taskId)) await removals.remove(checkout);
    }
  }

  /** Forgets those that are gone, and measures anew those that are meant. */
  async #measure(isMeant: (checkout: KnownCheckout) => boolean): Promise<void> {
    const { root, sizes } = this.#context;
    const known = await knownCheckouts(root);
    for (const checkout of known) if (isMeant(checkout)) await sizes.measure(checkout.dir, this.#closing.signal);
    sizes.settle(known.map(({ dir }) => dir));
  }

  /** Does something that nobody waits for but this daemon's end. */
  #aside(failure: string, work: () => Promise<void>): void {
    const done = this.#attempt(failure, work).finally(() => this.#background.delete(done));
    this.#background.add(done);
  }

  async #attempt(failure: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#options.log.error({ err: error }, failure);
    }
  }
}

function requireNone(kept: readonly string[]): void {
  if (kept.length === 0) return;
  const more = kept.length > MOST_NAMED ? `; and ${kept.length - MOST_NAMED} more` : "";
  const what = kept.length === 1 ? "A checkout stays" : `${kept.length} checkouts stay`;
  throw new MakimaError("conflict", `${what}: ${kept.slice(0, MOST_NAMED).join("; ")}${more}`, {
    hint: "Take what is in the way out of it; it is tried again whenever the daemon connects, and by `makima worktree clean`.",
  });
}
