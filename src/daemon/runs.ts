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
  context: RunContext | null;
  /** Settles when the runner is through with the run; an upload may still be going on. */
  ended: Promise<void>;
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
  readonly #detach = new AbortController();
  #connection: Connection | null = null;

  private constructor(root: string, services: RunnerServices) {
    this.#root = root;
    this.#services = services;
  }

  /** Finds the runs below `root` and carries on with every one that has not finished. */
  static async open(root: string, services: RunnerServices): Promise<Runs> {
    const runs = new Runs(root, services);
    for (const directory of await RunDirectory.list(root)) await runs.#recover(directory);
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
    run.context?.cancel.abort("Replaced by a newer run of the task");
    void run.ended.then(() => this.#delivered(run, {}));
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
    if (run?.context === undefined || run.context === null) return;
    await run.directory.requestCancel(reason);
    run.context.cancel.abort(reason);
  }

  async #recover(directory: RunDirectory): Promise<void> {
    const deliveredAt = await directory.deliveredAt();
    if (deliveredAt === null) await this.#adopt(directory);
    else if (this.#services.clock.now() - deliveredAt > KEEP_DELIVERED) await directory.remove();
  }

  async #adopt(directory: RunDirectory): Promise<LiveRun> {
    const run: LiveRun = {
      directory,
      upload: new RunUpload(directory, (acked) => this.#delivered(run, acked)),
      context: null,
      ended: Promise.resolve(),
    };
    run.context = new RunContext(this.#services, directory, run.upload, this.#detach.signal);
    const reason = await directory.cancelReason();
    if (reason !== null) run.context.cancel.abort(reason);
    this.#live.set(directory.spec.runId, run);
    run.ended = this.#work(run, run.context);
    return run;
  }

  async #work(run: LiveRun, context: RunContext): Promise<void> {
    await carryOn(context);
    if (context.state.finished !== null) run.upload.complete();
  }

  #connectOne(run: LiveRun): void {
    if (this.#connection === null) return;
    const { send, acked } = this.#connection;
    run.upload.connect(send, acked[run.directory.spec.runId] ?? {}).catch((error: unknown) => {
      this.#services.log.error({ err: error, run: run.directory.spec.runId }, "a run cannot be delivered");
    });
  }

  #delivered(run: LiveRun, acked: Record<string, number>): void {
    if (!this.#live.delete(run.directory.spec.runId)) return;
    run.upload[Symbol.dispose]();
    run.directory.closeJournal();
    run.directory.markDelivered(acked).catch((error: unknown) => {
      this.#services.log.error({ err: error, run: run.directory.spec.runId }, "a run's delivery cannot be recorded");
    });
  }
}
