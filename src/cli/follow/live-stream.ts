import type { StreamChunk, Subscriber } from "../../client/subscriber.ts";
import type { Reading } from "./follow-task.ts";

export interface LiveStreamOptions {
  runId: string;
  stream: string;
  /** Offset of the first byte that is wanted. */
  from: number;
  /** false: read up to the stream's present end only. */
  follow: boolean;
  /** Gets every chunk in order, the next one when it has dealt with the one before. */
  onData: (data: Uint8Array) => Promise<void> | void;
}

/** One stream of a run, read while it grows. */
export class LiveStream implements Reading {
  readonly #subscriber: Subscriber;
  readonly #options: LiveStreamOptions;
  readonly #stop = new AbortController();
  readonly #reading: Promise<void>;
  #cursor: number;

  constructor(subscriber: Subscriber, options: LiveStreamOptions) {
    this.#subscriber = subscriber;
    this.#options = options;
    this.#cursor = options.from;
    this.#reading = this.#read(options.follow, this.#stop.signal);
    // Whoever calls finish() or awaits `ended` gets the error; until then it must not end the process.
    this.#reading.catch(() => {});
  }

  get ended(): Promise<void> {
    return this.#reading;
  }

  async finish(): Promise<void> {
    if (!this.#options.follow) return this.#reading;
    this.abandon();
    await this.#reading;
    await this.#read(false, new AbortController().signal);
  }

  abandon(): void {
    this.#stop.abort();
  }

  async #read(follow: boolean, signal: AbortSignal): Promise<void> {
    const { runId, stream, onData } = this.#options;
    const chunks = this.#subscriber.stream(runId, stream, { from: this.#cursor, follow, signal });
    for await (const { offset, data } of chunks as AsyncIterable<StreamChunk>) {
      if (signal.aborted) return;
      this.#cursor = offset + data.length;
      await onData(data);
    }
  }
}
