import { closeSync, mkdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { openIfThere } from "../../platform/files.ts";
import { watchDirectory } from "../../platform/watch.ts";
import { encodeAppend, MAX_UNACKED } from "../../protocol/link.ts";
import { EVENTS, MAX_FRAME_DATA } from "../../protocol/streams.ts";
import type { RunDirectory } from "../journal/run-directory.ts";

/** Looks at followed files this often (ms) besides inotify, which can drop notices when its queue is full. */
const POLL = 1_000;

/**
 * New output is gathered for this long (ms) before it is sent: agents print in bursts, and fifty of them would otherwise
 * cost a frame, a transaction and an acknowledgement for every few lines. Far below what an eye notices.
 */
const GATHER = 5;

interface Stream {
  name: string;
  descriptor: number | null;
  sent: number;
  acked: number;
}

export type SendFrame = (frame: Uint8Array) => void;

export interface UploadListener {
  /** Everything is acknowledged, and nothing will follow: how much of each stream it was. */
  delivered: (acked: Record<string, number>) => void;
  /** A file could not be read. It is tried again; a run goes on whether or not the server hears of it. */
  failed: (error: unknown) => void;
}

/** Read into by every upload; what was read is copied into its frame at once. */
const BUFFER = Buffer.allocUnsafeSlow(MAX_FRAME_DATA);

/**
 * Copies one run's files to the server by byte offset. An event leaves only after all output that was on disk before
 * it, so whoever has seen `finished` has every stream whole. The disk is the spool: at most MAX_UNACKED bytes are on
 * their way, whatever the agent prints and however long the server is away.
 */
export class RunUpload implements Disposable {
  readonly #directory: RunDirectory;
  readonly #listener: UploadListener;
  readonly #streams = new Map<string, Stream>();
  /** Streams that may hold unsent bytes. */
  readonly #dirty = new Set<string>();
  /** Streams whose process may still be writing. */
  readonly #followed = new Set<string>();
  /** Grows with every connection, so that one which is set up too late can tell. */
  #connection = 0;
  #send: SendFrame | null = null;
  #unacked = 0;
  #gathering: NodeJS.Timeout | null = null;
  #complete = false;

  constructor(directory: RunDirectory, listener: UploadListener) {
    this.#directory = directory;
    this.#listener = listener;
  }

  /** Starts sending over a fresh connection from the offsets that the server has committed. */
  async connect(send: SendFrame, acked: Record<string, number>): Promise<void> {
    this.disconnect();
    const connection = this.#connection;
    const names = await this.#directory.streams();
    if (connection !== this.#connection) return;
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
    this.#connection += 1;
    this.#send = null;
    this.#unacked = 0;
    for (const stream of this.#streams.values()) stream.sent = stream.acked;
  }

  acknowledge(name: string, offset: number): void {
    const stream = this.#streams.get(name);
    if (stream === undefined || offset <= stream.acked) return;
    // More than was sent over this connection: it came over an earlier one, and its acknowledgement was lost.
    this.#unacked -= Math.min(offset, stream.sent) - stream.acked;
    stream.acked = offset;
    stream.sent = Math.max(offset, stream.sent);
    this.#pump();
    this.#settle();
  }

  /** Follows a process's `out` and `err` below `path` until the returned object is disposed. */
  follow(path: string): Disposable {
    const names = [`${path}/out`, `${path}/err`];
    const directory = join(this.#directory.path, path);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const look = (): void => {
      for (const name of names) this.#dirty.add(name);
      this.#gathering ??= setTimeout(() => this.#pump(), GATHER);
    };
    for (const name of names) this.#followed.add(name);
    const watcher = watchDirectory(directory, POLL, look);
    return {
      [Symbol.dispose]: () => {
        watcher[Symbol.dispose]();
        look();
        this.#pump();
        for (const name of names) this.#unfollow(name);
      },
    };
  }

  /** The journal has grown. */
  wake(): void {
    this.#dirty.add(EVENTS);
    this.#pump();
  }

  /** Looks at every stream once more: what an ended process left behind may have gone on printing. */
  revisit(): void {
    for (const name of this.#streams.keys()) this.#dirty.add(name);
    this.#pump();
  }

  /** No event will follow: once everything is acknowledged, the run is delivered. */
  complete(): void {
    this.#complete = true;
    this.wake();
    this.#settle();
  }

  [Symbol.dispose](): void {
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.disconnect();
    for (const stream of this.#streams.values()) closeStream(stream);
  }

  #unfollow(name: string): void {
    this.#followed.delete(name);
    const stream = this.#streams.get(name);
    if (stream !== undefined && !this.#dirty.has(name)) closeStream(stream);
  }

  /** Called by timers, watchers and steps that can do nothing about a failure: it must not throw. */
  #pump(): void {
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#gathering = null;
    if (this.#send === null) return;
    try {
      this.#sendDirty();
    } catch (error) {
      for (const stream of this.#streams.values()) closeStream(stream);
      this.#gathering = setTimeout(() => this.#pump(), POLL);
      this.#listener.failed(error);
    }
  }

  /** Sends what the window allows: output first, then events. */
  #sendDirty(): void {
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
    const data = BUFFER.subarray(0, readSync(stream.descriptor, BUFFER, 0, BUFFER.length, stream.sent));
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
    this.#listener.delivered(Object.fromEntries([...this.#streams.values()].map(({ name, acked }) => [name, acked])));
  }
}

function closeStream(stream: Stream): void {
  if (stream.descriptor !== null) closeSync(stream.descriptor);
  stream.descriptor = null;
}
