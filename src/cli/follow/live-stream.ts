import type { StreamChunk, Subscriber } from "../../client/subscriber.ts";

export interface LiveStreamOptions {
  runId: string;
  stream: string;
  /** false: read up to the stream's present end only. */
  follow: boolean;
  /** Gets every chunk in order, the next one when it has dealt with the one before. */
  onData: (data: Uint8Array) => Promise<void> | void;
}

/** One stream of a run, read while it grows. */
export class LiveStream {
  readonly #subscriber: Subscriber;
  readonly #options: LiveStreamOptions;
  readonly #stop = new AbortController();
  readonly #reading: Promise<void>;
  #cursor = 0;

  constructor(subscriber: Subscriber, options: LiveStreamOptions) {
    this.#subscriber = subscriber;
    this.#options = options;
    this.#reading = this.#read(options.follow, this.#stop.signal);
    // Whoever calls finish() or awaits `ended` gets the error; until then it must not end the process.
    this.#reading.catch(() => {});
  }

  /** Resolves where the stream ends by itself. */
  get ended(): Promise<void> {
    return this.#reading;
  }

  /** Reads what the server has of the stream by now, and no further. */
  async finish(): Promise<void> {
    if (!this.#options.follow) return this.#reading;
    this.abandon();
    await this.#reading;
    await this.#read(false, new AbortController().signal);
  }

  /** Stops reading here. */
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
