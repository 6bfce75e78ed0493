import { rm } from "node:fs/promises";
import { errorBody } from "../core/errors.ts";
import type { Command, CommandError } from "../protocol/link.ts";
import type { RunSpec } from "../protocol/run-spec.ts";
import { EVENTS } from "../protocol/streams.ts";
import { RunDirectory } from "./journal/run-directory.ts";
import { Wishes } from "./journal/wishes.ts";
import type { Send } from "./link/link.ts";
import { RunUpload } from "./link/upload.ts";
import { Turns } from "./operations/turns.ts";
import { RunContext } from "./runner/context.ts";
import type { RunnerServices } from "./runner/context.ts";
import { onAbort } from "./runner/on-abort.ts";
import { putAside } from "./runner/put-aside.ts";
import { carryOn } from "./runner/run.ts";
import { startPoint } from "./runner/start-point.ts";

/** A delivered run's directory stays this long (ms), for a person who wants to look. */
const KEEP_DELIVERED = 24 * 60 * 60 * 1000;

const REPLACED = "Replaced by a newer run of the task";
const SHORTENED = "The journal on this machine is shorter than what the server has of it";

interface LiveRun {
  directory: RunDirectory;
  upload: RunUpload;
  context: RunContext;
  /** Nothing of it is uploaded any more. */
  fenced: boolean;
  /** The server's offsets have been compared with what this daemon found on disk. */
  compared: boolean;
  /** Settles when the runner is through with the run; an upload may still be going on. */
  ended: Promise<void>;
}

/** A run's directory that is only a convenience; `since` is when the run was delivered (epoch ms). */
interface Delivered {
  path: string;
  since: number;
}

/** What is over, and its runs with it. */
interface Over {
  contractId: string;
  taskIds: readonly string[];
}

interface Connection {
  send: Send;
  acked: Record<string, Record<string, number>>;
}

/** The runs that this daemon works on or has not delivered yet, each with its upload. */
export class Runs implements AsyncDisposable {
  readonly #root: string;
  readonly #services: RunnerServices;
  readonly #live = new Map<string, LiveRun>();
  #delivered: Delivered[] = [];
  /** Writing about runs that are no longer live. */
  #epilogues: Promise<void> = Promise.resolve();
  readonly #detach = new AbortController();
  /** Of each task: a run that begins, or whoever needs what its runs have left. */
  readonly #turns = new Turns(1);
  readonly #listeners = new Set<(taskId: string) => void>();
  #connection: Connection | null = null;

  private constructor(root: string, services: RunnerServices) {
    this.#root = root;
    this.#services = services;
  }

  /** Finds the runs below `root` and carries on with every one that has not finished. One that cannot be read is left alone. */
  static async open(root: string, services: RunnerServices): Promise<Runs> {
    const runs = new Runs(root, services);
    for (const path of await RunDirectory.list(root)) {
      try {
        await runs.#recover(await RunDirectory.open(path));
      } catch (error) {
        services.log.error({ err: error, path }, "a run's directory cannot be read");
      }
    }
    runs.#afterwards(() => runs.#removeOld(), "old runs cannot be removed");
    return runs;
  }

  /** Runs that the server has not acknowledged whole. */
  undelivered(): { runId: string; fence: number }[] {
    const runs = [...this.#live.values()].filter(({ fenced }) => !fenced);
    return runs.map(({ directory: { spec } }) => ({ runId: spec.runId, fence: spec.fence }));
  }

  /** Whether a run of the task is not over yet, also one that waits or is paused: its agent may go on at any moment. */
  isAtWork(taskId: string): boolean {
    return [...this.#live.values()].some(({ directory, context }) => {
      return directory.spec.taskId === taskId && context.state.finished === null;
    });
  }

  /** Lets nobody else have the task in hand until the result is disposed; no run of it begins meanwhile. */
  hold(taskId: string): Promise<Disposable> {
    return this.#turns.take(taskId);
  }

  /** Calls `use` while no run of the task is at work and none can begin; null, without a call, when one is at work. */
  async atRest<T>(taskId: string, use: () => Promise<T>): Promise<T | null> {
    using _turn = await this.#turns.take(taskId);
    if (this.isAtWork(taskId)) return null;
    // One that has finished may still be putting aside what it has done.
    await this.#ended(({ taskId: own }) => own === taskId);
    return await use();
  }

  /**
   * Stops every run of these tasks, and any other of the contract; resolves to the tasks that had one, when all of them
   * have ended. Rejects when `signal` aborts before.
   */
  async stop(over: Over, reason: string, signal: AbortSignal): Promise<string[]> {
    const isOver = ({ taskId, contractId }: RunSpec) => contractId === over.contractId || over.taskIds.includes(taskId);
    const runs = [...this.#live.values()].filter(({ directory }) => isOver(directory.spec));
    const atWork = runs.filter(({ context }) => context.state.finished === null);
    await Promise.all(
      atWork.map((run) => {
        return this.#cancel(run, reason).catch((error: unknown) => {
          this.#services.log.warn({ err: error, run: run.directory.spec.runId }, "a stop cannot be written down");
        });
      }),
    );
    const { promise: aborted, resolve: abort } = Promise.withResolvers<void>();
    using _waiting = onAbort(signal, abort);
    await Promise.race([this.#ended(isOver), aborted]);
    signal.throwIfAborted();
    return runs.map(({ directory }) => directory.spec.taskId);
  }

  /** Calls `listener` with the task of every run that ends from now on. */
  whenEnded(listener: (taskId: string) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  connect(send: Send, acked: Connection["acked"]): void {
    this.#connection = { send, acked };
    for (const run of this.#live.values()) this.#connectOne(run);
  }

  disconnect(): void {
    this.#connection = null;
    for (const { upload } of this.#live.values()) upload.disconnect();
  }

  acknowledge(runId: string, stream: string, offset: number): void {
    const run = this.#live.get(runId);
    if (run === undefined || run.fenced) return;
    if (stream === EVENTS && offset > run.directory.journalSize.now) this.#fence(run, SHORTENED);
    else run.upload.acknowledge(stream, offset);
  }

  /** The server has given the task to another run, or does not know this one: its agent is stopped, its work put aside. */
  fence(runId: string): void {
    const run = this.#live.get(runId);
    if (run !== undefined && !run.fenced) this.#fence(run, REPLACED);
  }

  /** Executes a command; null when it is done, else why it cannot be. Safe to repeat. */
  async execute(command: Command): Promise<CommandError | null> {
    try {
      await this.#execute(command);
      return null;
    } catch (error) {
      this.#services.log.error({ err: error, kind: command.kind }, "a command failed");
      return errorBody(error);
    }
  }

  /** Lets go of every run; agents go on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#detach.abort(new DOMException("The daemon is closing", "AbortError"));
    await Promise.all([...this.#live.values()].map(({ ended }) => ended));
    await this.#epilogues;
    for (const { directory, upload } of this.#live.values()) {
      upload[Symbol.dispose]();
      directory.closeJournal();
    }
  }

  /** What is to happen to a run that has ended, or is not known, has been overtaken: the server learns so from its events. */
  async #execute(command: Command): Promise<void> {
    if (command.kind === "SpawnTask") return this.#spawn(command);
    if (!("runId" in command)) return;
    const run = this.#live.get(command.runId);
    if (run === undefined || run.context.state.finished !== null) return;
    switch (command.kind) {
      case "InterruptTask":
        return this.#cancel(run, command.reason);
      case "PauseTask":
        return run.context.wishes.pause(true);
      case "ResumeTask":
        return run.context.wishes.pause(false);
      case "MessageTask":
        return run.context.wishes.say(command.message);
    }
  }

  /** What the run is to be told lies in its directory before that is a run's: no crash leaves one without the other. */
  async #spawn({ spec, startAt, messages }: Extract<Command, { kind: "SpawnTask" }>): Promise<void> {
    if (this.#live.has(spec.runId)) return;
    // Until it counts as one at work.
    using _turn = await this.#turns.take(spec.taskId);
    const directory = await RunDirectory.create(this.#root, spec, async (path) => {
      const base = await startPoint(this.#services, spec, startAt);
      const wishes = await Wishes.open(path);
      for (const message of messages) await wishes.say(message);
      return { base };
    });
    this.#connectOne(await this.#adopt(directory));
  }

  /** Resolves when the runner is through with the runs that are meant. Never rejects. */
  async #ended(isMeant: (spec: RunSpec) => boolean): Promise<void> {
    const meant = [...this.#live.values()].filter(({ directory }) => isMeant(directory.spec));
    await Promise.all(meant.map(({ ended }) => ended));
  }

  /** Written down first, so that no crash forgets it; what cannot be written down is done all the same. */
  async #cancel(run: LiveRun, reason: string): Promise<void> {
    try {
      await run.directory.requestCancel(reason);
    } finally {
      run.context.cancel.abort(reason);
    }
  }

  #fence(run: LiveRun, reason: string): void {
    this.#services.log.warn({ run: run.directory.spec.runId, reason }, "run is fenced: stopping it");
    run.fenced = true;
    run.upload.disconnect();
    const written = run.directory.requestFence(reason).finally(() => run.context.fence(reason));
    this.#afterwards(() => written, "a fence cannot be written down");
    // A run that had ended before the fence came is put aside all the same: nobody will ask for its checkout again.
    run.ended = Promise.allSettled([written, run.ended])
      .then(() => this.#giveUp(run))
      .then(() => this.#tellOfEnd(run));
  }

  async #recover(directory: RunDirectory): Promise<void> {
    const deliveredAt = await directory.deliveredAt();
    if (deliveredAt === null) await this.#adopt(directory);
    else this.#delivered.push({ path: directory.path, since: deliveredAt });
  }

  async #adopt(directory: RunDirectory): Promise<LiveRun> {
    const { log } = this.#services;
    const { runId } = directory.spec;
    const [wishes, cancelled, fenced] = await Promise.all([
      Wishes.open(directory.path),
      directory.cancelReason(),
      directory.fenceReason(),
    ]);
    const upload = new RunUpload(directory, {
      delivered: (acked) => this.#letGo(run, acked),
      failed: (error) => log.error({ err: error, run: runId }, "a run's output cannot be read; trying again"),
    });
    const context = new RunContext(this.#services, { directory, wishes, upload, detach: this.#detach.signal });
    const ended = Promise.resolve();
    const run: LiveRun = { directory, upload, context, fenced: fenced !== null, compared: false, ended };
    if (cancelled !== null) context.cancel.abort(cancelled);
    if (fenced !== null) context.fence(fenced);
    this.#live.set(runId, run);
    run.ended = this.#work(run);
    return run;
  }

  async #work(run: LiveRun): Promise<void> {
    await carryOn(run.context);
    if (run.fenced) await this.#giveUp(run);
    else if (run.context.state.finished !== null) run.upload.complete();
    this.#tellOfEnd(run);
  }

  #tellOfEnd({ directory }: LiveRun): void {
    for (const listener of this.#listeners) listener(directory.spec.taskId);
  }

  #connectOne(run: LiveRun): void {
    if (this.#connection === null || run.fenced) return;
    const { runId } = run.directory.spec;
    const acked = this.#connection.acked[runId] ?? {};
    if (this.#isShortened(run, acked[EVENTS] ?? 0)) return this.#fence(run, SHORTENED);
    run.upload.connect(this.#connection.send, acked).catch((error: unknown) => {
      this.#services.log.error({ err: error, run: runId }, "a run cannot be delivered");
    });
  }

  /**
   * A power cut can take from the journal what the server has committed. What was appended since would then be stored in
   * the wrong place, so the run is nobody's any more. Only what an earlier daemon wrote can be missing.
   */
  #isShortened(run: LiveRun, acked: number): boolean {
    const { found, now } = run.directory.journalSize;
    const size = run.compared ? now : found;
    run.compared = true;
    return acked > size;
  }

  /** Lets go of a fenced run that has ended, once its work is put aside; until then, every start tries again. */
  async #giveUp(run: LiveRun): Promise<void> {
    const { spec } = run.directory;
    if (run.context.state.finished === null || !this.#live.has(spec.runId)) return;
    try {
      if (!this.#isTakenOver(run)) await putAside(run.context);
      this.#letGo(run, {});
    } catch (error) {
      this.#services.log.error({ err: error, run: spec.runId }, "a fenced run's work cannot be put aside; it stays");
    }
  }

  /** A newer run works on the same branch, and so in the same checkout: all of it is that one's now. */
  #isTakenOver({ directory: { spec } }: LiveRun): boolean {
    const others = [...this.#live.values()].map(({ directory }) => directory.spec);
    return others.some(({ taskId, branch, fence }) => {
      return taskId === spec.taskId && branch === spec.branch && fence > spec.fence;
    });
  }

  /** The server has all that it wants of the run: `acked` says how much of each stream. */
  #letGo({ directory, upload }: LiveRun, acked: Record<string, number>): void {
    if (!this.#live.delete(directory.spec.runId)) return;
    upload[Symbol.dispose]();
    directory.closeJournal();
    this.#delivered.push({ path: directory.path, since: this.#services.clock.now() });
    this.#afterwards(() => directory.markDelivered(acked), "a run's delivery cannot be written down");
    this.#afterwards(() => this.#removeOld(), "old runs cannot be removed");
  }

  async #removeOld(): Promise<void> {
    const now = this.#services.clock.now();
    const old = this.#delivered.filter(({ since }) => now - since > KEEP_DELIVERED);
    this.#delivered = this.#delivered.filter((run) => !old.includes(run));
    for (const { path } of old) await rm(path, { recursive: true, force: true });
  }

  /** Writes something that nobody waits for, but for the end of the daemon. */
  #afterwards(write: () => Promise<void>, failure: string): void {
    this.#epilogues = this.#epilogues.then(write).catch((error: unknown) => {
      this.#services.log.error({ err: error }, failure);
    });
  }
}
