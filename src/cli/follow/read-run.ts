import type { Subscriber } from "../../client/subscriber.ts";
import { LineSplitter } from "../../core/agents/lines.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import { EVENTS, iterationPath, MAX_FRAME_DATA } from "../../protocol/streams.ts";
import type { Reading } from "./follow-task.ts";
import { LiveStream } from "./live-stream.ts";

/** Gets what happens in a run in the order in which it happened. */
export interface RunListener {
  event: (event: RunEvent) => Promise<void> | void;
  /** Bytes of what the agent prints in an iteration; absent when nobody wants them. */
  output?: (iteration: number, data: Uint8Array) => Promise<void> | void;
}

export interface ReadRunOptions {
  runId: string;
  /** false: what there is by now. */
  follow: boolean;
  /** Which output of the agent is wanted. */
  output: "out" | "err";
  /** Offset in the run's events before which all is known. */
  from: number;
  /** Offset from which an iteration's output is wanted; null: none of it. Absent: all output is wanted. */
  outputFrom?: (iteration: number) => number | null;
}

/** Reads a run's events, and between them the output of its agent. */
export class RunReader implements Reading {
  readonly #subscriber: Subscriber;
  readonly #options: ReadRunOptions;
  readonly #listener: RunListener;
  readonly #lines = new LineSplitter(MAX_FRAME_DATA, MAX_FRAME_DATA);
  readonly #events: LiveStream;
  #output: LiveStream | null = null;

  constructor(subscriber: Subscriber, options: ReadRunOptions, listener: RunListener) {
    this.#subscriber = subscriber;
    this.#options = options;
    this.#listener = listener;
    this.#events = this.#open(EVENTS, options.from, (data) => this.#onData(data));
  }

  get ended(): Promise<void> {
    return this.#events.ended;
  }

  async finish(): Promise<void> {
    await this.#events.finish();
    // A run that was taken from its daemon has no last event that would have closed it.
    await this.#output?.finish();
  }

  abandon(): void {
    this.#events.abandon();
    this.#output?.abandon();
  }

  async #onData(data: Uint8Array): Promise<void> {
    for (const { text } of this.#lines.push(data)) await this.#onEvent(JSON.parse(text) as RunEvent);
  }

  async #onEvent(event: RunEvent): Promise<void> {
    // Output leaves the daemon ahead of the events that were written after it, so with a later event it is all there.
    if (event.type !== "notice") {
      await this.#output?.finish();
      this.#output = null;
    }
    await this.#listener.event(event);
    const listener = this.#listener;
    if (event.type !== "iteration-started" || listener.output === undefined) return;
    const { output, outputFrom = () => 0 } = this.#options;
    const from = outputFrom(event.index);
    if (from === null) return;
    const stream = `${iterationPath(event.index)}/${output}`;
    this.#output = this.#open(stream, from, (data) => listener.output?.(event.index, data));
  }

  #open(stream: string, from: number, onData: (data: Uint8Array) => Promise<void> | void): LiveStream {
    const { runId, follow } = this.#options;
    return new LiveStream(this.#subscriber, { runId, stream, from, follow, onData });
  }
}
