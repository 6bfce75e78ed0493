import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { errorBody } from "../../core/errors.ts";
import type { Git } from "../../platform/git/git.ts";
import { locateRepository } from "../../platform/git/repository.ts";
import { READING } from "../../protocol/operations.ts";
import type { OperationKind, OperationOrder, OperationResult } from "../../protocol/operations.ts";
import { repositoryAt } from "../checkout/checkout.ts";
import type { Answer, DoneCommands } from "../journal/done-commands.ts";
import { requireAllowed } from "../repositories.ts";
import type { Worktrees, WorktreesOrder } from "../worktrees/worktrees.ts";
import { createBranch, listBranches } from "./branches.ts";
import { createCheckpoint, restoreCheckpoint } from "./checkpoints.ts";
import type { OperationContext, OperationServices } from "./context.ts";
import { getDiff } from "./get-diff.ts";
import { mergeBranch } from "./merge-branch.ts";
import { createPullRequest } from "./pull-request.ts";
import { readFile } from "./read-file.ts";
import { Scratch } from "./scratch.ts";
import { Turns } from "./turns.ts";

/** Operations at a time of those that look, and of those that write: a look need not wait for the checks of merges. */
const AT_ONCE = 4;

/** An operation in a repository; every other is about the daemon itself, and its own checkouts. */
type RepositoryOrder = Exclude<OperationOrder, WorktreesOrder>;

/**
 * What waits for what: those that hold the same thing go one after the other. Merges of a repository do, with their
 * checks, which may use the same ports and databases. A checkpoint writes only what is its task's own.
 */
const HOLDS: Record<RepositoryOrder["kind"], "nothing" | "repository" | "task"> = {
  GetDiff: "nothing",
  ReadFile: "nothing",
  ListBranches: "nothing",
  CreateBranch: "repository",
  MergeBranch: "repository",
  CreatePullRequest: "repository",
  CreateCheckpoint: "task",
  RestoreCheckpoint: "task",
};

export interface OperationsOptions extends OperationServices {
  /** Tells this daemon from others that make checkouts in the same directory. */
  daemonId: string;
  /** Whether the daemon may work in a repository, by its real path. */
  allowsRepository: (path: string) => boolean;
  /** Lets nobody else have a task in hand, such as a run that is to begin, until the result is disposed. */
  holdTask: (taskId: string) => Promise<Disposable>;
  /** What is carried out here, and not in a repository. */
  checkouts: Pick<Worktrees, "carryOut">;
  commands: DoneCommands;
}

/** Carries operations out, several at a time. Disposing it ends those under way: they come again at the next start. */
export class Operations implements AsyncDisposable {
  readonly #options: OperationsOptions;
  readonly #scratch: string;
  readonly #underWay = new Map<string, Promise<Answer>>();
  readonly #held = new Turns(1);
  readonly #atOnce = new Turns(AT_ONCE);
  readonly #stop = new AbortController();

  private constructor(options: OperationsOptions, scratch: string) {
    this.#options = options;
    this.#scratch = scratch;
  }

  /** Takes back what operations have left that died with their daemon. */
  static async open(options: OperationsOptions): Promise<Operations> {
    const scratch = join(options.worktrees, `.operations-${options.daemonId}`);
    await Scratch.sweep({ scratch, log: options.log });
    return new Operations(options, scratch);
  }

  /**
   * Carries an operation out, once for each id: asked again, it gives the same answer. Rejects when it could not be
   * recorded, and when this daemon closes; it is then to be asked for again.
   */
  execute(id: string, order: OperationOrder): Promise<Answer> {
    const known = this.#underWay.get(id);
    if (known !== undefined) return known;
    const answer = this.#answer(id, order).finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, answer);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException("The daemon is closing", "AbortError"));
    await Promise.allSettled(this.#underWay.values());
  }

  async #answer(id: string, order: OperationOrder): Promise<Answer> {
    const { commands } = this.#options;
    const done = commands.answer(id);
    if (done !== undefined) return done;
    const answer = await this.#attempt(order);
    if (!READING.has(order.kind)) await commands.record(id, answer);
    return answer;
  }

  async #attempt(order: OperationOrder): Promise<Answer> {
    try {
      return { error: null, result: await this.#inTurn(order) };
    } catch (error) {
      // Whatever went wrong: it was this daemon's end that did it.
      this.#stop.signal.throwIfAborted();
      this.#options.log.warn({ err: error, kind: order.kind }, "an operation failed");
      return { error: errorBody(error), result: null };
    }
  }

  async #inTurn(order: OperationOrder): Promise<OperationResult<OperationKind>> {
    if (isAboutDaemon(order)) return this.#carryOutHere(order);
    const context = await this.#contextOf(order);
    // First what may take long to come: whoever waits for it keeps nobody else from working.
    using _held = await this.#hold(order, context);
    using _slot = await this.#atOnce.take(READING.has(order.kind) ? "reading" : "writing");
    this.#stop.signal.throwIfAborted();
    // Awaited here: until then it is this one's turn.
    return await carryOut(context, order);
  }

  /** Not among those that write: holding a task these wait for each other, and this one waits for tasks. */
  async #carryOutHere(order: WorktreesOrder): Promise<OperationResult<OperationKind>> {
    using _slot = await this.#atOnce.take("here");
    this.#stop.signal.throwIfAborted();
    return await this.#options.checkouts.carryOut(order, this.#stop.signal);
  }

  async #hold(order: RepositoryOrder, { at }: OperationContext): Promise<Disposable | null> {
    switch (HOLDS[order.kind]) {
      case "nothing":
        return null;
      case "repository":
        return this.#held.take(`repository ${at.gitDir}`);
      case "task":
        return this.#options.holdTask("place" in order ? order.place.taskId : "");
    }
  }

  async #contextOf(order: RepositoryOrder): Promise<OperationContext> {
    using _slot = await this.#atOnce.take("locating");
    const { allowsRepository } = this.#options;
    const signal = this.#stop.signal;
    const git = endingWith(this.#options.git, signal);
    const path = "place" in order ? order.place.repository : order.repository;
    // Before anything is run in it, and of the place that a path from outside really leads to.
    await requireAllowed(allowsRepository, path);
    const { topLevel, commonDir } = await locateRepository(git, path);
    await requireAllowed(allowsRepository, topLevel);
    const repository = { topLevel, commonDir: await realpath(commonDir) };
    const at = repositoryAt(repository);
    return { ...this.#options, git, steadyGit: this.#options.git, signal, repository, at, scratch: this.#scratch };
  }
}

/** The same git, every command of which ends when the signal aborts. */
function endingWith(git: Git, signal: AbortSignal): Git {
  return (at, args, options) => git(at, args, { ...options, signal });
}

function isAboutDaemon(order: OperationOrder): order is WorktreesOrder {
  return !Object.hasOwn(HOLDS, order.kind);
}

function carryOut(context: OperationContext, order: RepositoryOrder): Promise<OperationResult<OperationKind>> {
  switch (order.kind) {
    case "GetDiff":
      return getDiff(context, order);
    case "ReadFile":
      return readFile(context, order);
    case "ListBranches":
      return listBranches(context, order);
    case "CreateBranch":
      return createBranch(context, order);
    case "MergeBranch":
      return mergeBranch(context, order);
    case "CreatePullRequest":
      return createPullRequest(context, order);
    case "CreateCheckpoint":
      return createCheckpoint(context, order);
    case "RestoreCheckpoint":
      return restoreCheckpoint(context, order);
  }
}
