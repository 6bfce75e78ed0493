import { closeSync, mkdirSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { isErrno } from "../../platform/files.ts";
import { watchDirectory } from "../../platform/watch.ts";
import { encodeAppend, MAX_UNACKED } from "../../protocol/link.ts";
import { EVENTS, MAX_FRAME_DATA } from "../../protocol/streams.ts";
import type { RunDirectory } from "../journal/run-directory.ts";

/** Looks at followed files this often (ms) besides inotify, which can drop notices when its queue is full. */
const POLL = 1_000;

interface Stream {
  name: string;
  descriptor: number | null;
  sent: number;
  acked: number;
}

export type SendFrame = (frame: Uint8Array) => void;

/**
 * Copies one run's files to the server by byte offset. An event leaves only after all output that was on disk before
 * it, so whoever has seen `finished` has every stream whole. The disk is the spool: at most MAX_UNACKED bytes are on
 * their way, whatever the agent prints and however long the server is away.
 */
export class RunUpload implements Disposable {
  readonly #directory: RunDirectory;
  readonly #onDelivered: (acked: Record<string, number>) => void;
  readonly #streams = new Map<string, Stream>();
  /** Streams that may hold unsent bytes. */
  readonly #dirty = new Set<string>();
  /** Streams whose process may still be writing. */
  readonly #followed = new Set<string>();
  readonly #buffer = Buffer.allocUnsafe(MAX_FRAME_DATA);
  #send: SendFrame | null = null;
  #unacked = 0;
  #complete = false;
  #disposed = false;

  constructor(directory: RunDirectory, onDelivered: (acked: Record<string, number>) => void) {
    this.#directory = directory;
    this.#onDelivered = onDelivered;
  }

  /** Starts sending over a fresh connection from the offsets that the server has committed. */
  async connect(send: SendFrame, acked: Record<string, number>): Promise<void> {
    this.disconnect();
    const names = await this.#directory.streams();
    if (this.#disposed) return;
    for (const name of names) {
      const stream = this.#stream(name);
      stream.acked = acked[name] ?? 0;
      stream.sent = stream.acked;
      this.#dirty.add(name);
    }
    this.#send = send;
    this.#pump();
    this.#settle();
  }

  disconnect(): void {
    this.#send = null;
    this.#unacked = 0;
    for (const stream of this.#streams.values()) stream.sent = stream.acked;
  }

  acknowledge(name: string, offset: number): void {
    const stream = this.#streams.get(name);
    if (stream === undefined || offset <= stream.acked || offset > stream.sent) return;
    this.#unacked -= offset - stream.acked;
    stream.acked = offset;
    this.#pump();
    this.#settle();
  }

  /** Bytes sent and not acknowledged: a link on which this stays above zero without progress is dead. */
  get unacked(): number {
    return this.#unacked;
  }

  /** Follows a process's `out` and `err` below `path` until the returned object is disposed. */
  follow(path: string): Disposable {
    const names = [`${path}/out`, `${path}/err`];
    const directory = join(this.#directory.path, path);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const look = (): void => {
      for (const name of names) this.#dirty.add(name);
      this.#pump();
    };
    for (const name of names) this.#followed.add(name);
    const watcher = watchDirectory(directory, POLL, look);
    return {
      [Symbol.dispose]: () => {
        watcher[Symbol.dispose]();
        look();
        for (const name of names) this.#unfollow(name);
      },
    };
  }

  /** The journal has grown. */
  wake(): void {
    this.#dirty.add(EVENTS);
    this.#pump();
  }

  /** No event will follow: once everything is acknowledged, the run is delivered. */
  complete(): void {
    this.#complete = true;
    this.wake();
    this.#settle();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.disconnect();
    for (const stream of this.#streams.values()) closeStream(stream);
  }

  #unfollow(name: string): void {
    this.#followed.delete(name);
    const stream = this.#streams.get(name);
    if (stream !== undefined && !this.#dirty.has(name)) closeStream(stream);
  }

  /** Sends what the window allows: output first, then events. */
  #pump(): void {
    if (this.#send === null) return;
    const events = this.#dirty.has(EVENTS);
    // Output that inotify has not reported yet must still go ahead of the event that speaks of it.
    if (events) for (const name of this.#followed) this.#dirty.add(name);
    for (const name of this.#dirty) if (name !== EVENTS && !this.#drain(name)) return;
    if (events) this.#drain(EVENTS);
  }

  /** Sends a stream up to its present end; false when the window is full first. */
  #drain(name: string): boolean {
    const stream = this.#stream(name);
    for (;;) {
      if (this.#unacked >= MAX_UNACKED) return false;
      const data = this.#read(stream);
      if (data.length === 0) break;
      const { spec } = this.#directory;
      this.#send?.(encodeAppend({ run: spec.runId, fence: spec.fence, stream: name, offset: stream.sent }, data));
      stream.sent += data.length;
      this.#unacked += data.length;
    }
    this.#dirty.delete(name);
    if (name !== EVENTS && !this.#followed.has(name)) closeStream(stream);
    return true;
  }

  /** The next bytes; of the journal whole lines only, because the server applies lines. */
  #read(stream: Stream): Buffer {
    stream.descriptor ??= openIfThere(join(this.#directory.path, stream.name));
    if (stream.descriptor === null) return Buffer.alloc(0);
    const length = readSync(stream.descriptor, this.#buffer, 0, this.#buffer.length, stream.sent);
    const data = this.#buffer.subarray(0, length);
    return stream.name === EVENTS ? data.subarray(0, data.lastIndexOf(0x0a) + 1) : data;
  }

  #stream(name: string): Stream {
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      stream = { name, descriptor: null, sent: 0, acked: 0 };
      this.#streams.set(name, stream);
    }
    return stream;
  }

  #settle(): void {
    if (!this.#complete || this.#send === null || this.#unacked > 0 || this.#dirty.size > 0) return;
    this.#onDelivered(Object.fromEntries([...this.#streams.values()].map(({ name, acked }) => [name, acked])));
  }
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw error;
  }
}

function closeStream(stream: Stream): void {
  if (stream.descriptor !== null) closeSync(stream.descriptor);
  stream.descriptor = null;
}
