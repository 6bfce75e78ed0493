import { rm } from "node:fs/promises";
import { errorBody } from "../core/errors.ts";
import type { Command } from "../protocol/link.ts";
import { RunDirectory } from "./journal/run-directory.ts";
import type { Send } from "./link/link.ts";
import { RunUpload } from "./link/upload.ts";
import { RunContext } from "./runner/context.ts";
import type { RunnerServices } from "./runner/context.ts";
import { carryOn } from "./runner/run.ts";

/** A delivered run's directory stays this long (ms), for a person who wants to look. */
const KEEP_DELIVERED = 24 * 60 * 60 * 1000;

interface LiveRun {
  directory: RunDirectory;
  upload: RunUpload;
  context: RunContext;
  /** Settles when the runner is through with the run; an upload may still be going on. */
  ended: Promise<void>;
}

/** A run's directory that is only a convenience; `since` is when the run was delivered (epoch ms). */
interface Delivered {
  path: string;
  since: number;
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
    return [...this.#live.values()].map(({ directory }) => ({
      runId: directory.spec.runId,
      fence: directory.spec.fence,
    }));
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
    this.#live.get(runId)?.upload.acknowledge(stream, offset);
  }

  /** The server has given the task to another run, or does not know this one: its agent is stopped, its work stays. */
  fence(runId: string): void {
    const run = this.#live.get(runId);
    if (run === undefined) return;
    this.#services.log.warn({ run: runId }, "run is fenced: stopping it");
    run.upload.disconnect();
    const stop = this.#cancel(run, "Replaced by a newer run of the task");
    this.#afterwards(() => stop, "a stop cannot be written down");
    void run.ended.then(() => this.#letGo(run, {}));
  }

  /** Executes a command; null when it is done, else why it cannot be. Safe to repeat. */
  async execute(command: Command): Promise<string | null> {
    try {
      if (command.kind === "SpawnTask") await this.#spawn(command);
      else await this.#interrupt(command);
      return null;
    } catch (error) {
      this.#services.log.error({ err: error, kind: command.kind }, "a command failed");
      return errorBody(error).message;
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

  async #spawn({ spec }: Extract<Command, { kind: "SpawnTask" }>): Promise<void> {
    if (this.#live.has(spec.runId)) return;
    const run = await this.#adopt(await RunDirectory.create(this.#root, spec));
    this.#connectOne(run);
  }

  async #interrupt({ runId, reason }: Extract<Command, { kind: "InterruptTask" }>): Promise<void> {
    const run = this.#live.get(runId);
    if (run !== undefined) await this.#cancel(run, reason);
  }

  /** Written down first, so that no crash forgets it; what cannot be written down is done all the same. */
  async #cancel(run: LiveRun, reason: string): Promise<void> {
    try {
      await run.directory.requestCancel(reason);
    } finally {
      run.context.cancel.abort(reason);
    }
  }

  async #recover(directory: RunDirectory): Promise<void> {
    const deliveredAt = await directory.deliveredAt();
    if (deliveredAt === null) await this.#adopt(directory);
    else this.#delivered.push({ path: directory.path, since: deliveredAt });
  }

  async #adopt(directory: RunDirectory): Promise<LiveRun> {
    const { log } = this.#services;
    const { runId } = directory.spec;
    const reason = await directory.cancelReason();
    const upload = new RunUpload(directory, {
      delivered: (acked) => this.#letGo(run, acked),
      failed: (error) => log.error({ err: error, run: runId }, "a run's output cannot be read; trying again"),
    });
    const context = new RunContext(this.#services, directory, upload, this.#detach.signal);
    const run: LiveRun = { directory, upload, context, ended: Promise.resolve() };
    if (reason !== null) context.cancel.abort(reason);
    this.#live.set(runId, run);
    run.ended = this.#work(run);
    return run;
  }

  async #work({ context, upload }: LiveRun): Promise<void> {
    await carryOn(context);
    if (context.state.finished !== null) upload.complete();
  }

  #connectOne(run: LiveRun): void {
    if (this.#connection === null) return;
    const { send, acked } = this.#connection;
    run.upload.connect(send, acked[run.directory.spec.runId] ?? {}).catch((error: unknown) => {
      this.#services.log.error({ err: error, run: run.directory.spec.runId }, "a run cannot be delivered");
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
