import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { runSpec } from "../../../test/support/run.ts";
import { until } from "../../../test/support/until.ts";
import { decodeAppend, MAX_UNACKED } from "../../protocol/link.ts";
import { EVENTS, MAX_FRAME_DATA } from "../../protocol/streams.ts";
import { RunDirectory } from "../journal/run-directory.ts";
import { RunUpload } from "./upload.ts";

const OUT = "iterations/0001/out";

test("the upload of a run sends every stream from where the server stands, under run and fence", async (t) => {
  const bench = await openBench(t);
  bench.note("one");
  bench.write(OUT, "0123456789");
  await bench.connect({ [OUT]: 4 });
  const { runId, fence } = bench.directory.spec;
  assert.deepEqual(bench.server.frames[0], { run: runId, fence, stream: OUT, offset: 4, length: 6 });
  assert.equal(bench.server.text(OUT), "456789");
  assert.match(bench.server.text(EVENTS), /^\{"type":"notice".*\n$/);
});

test("the upload of a run sends what a followed process prints, and what it printed last when it is let go of", async (t) => {
  const bench = await openBench(t);
  await bench.connect();
  const following = bench.upload.follow("iterations/0001");
  bench.write(OUT, "first ");
  await until(() => bench.server.text(OUT) === "first ", "new output is noticed");
  bench.write(OUT, "last");
  following[Symbol.dispose]();
  assert.equal(bench.server.text(OUT), "first last");
});

test("the upload of a run sends an event only after all output that was there before it", async (t) => {
  const bench = await openBench(t);
  await bench.connect();
  using _following = bench.upload.follow("iterations/0001");
  bench.write(OUT, randomBytes(3 * MAX_FRAME_DATA));
  bench.write("iterations/0001/err", "complaint");
  bench.note("after it");
  assert.deepEqual([...new Set(bench.server.frames.map(({ stream }) => stream))], [OUT, "iterations/0001/err", EVENTS]);
});

test("the upload of a run holds an event back while the window is full of the output before it", async (t) => {
  const bench = await openBench(t, { acknowledge: false });
  await bench.connect();
  using _following = bench.upload.follow("iterations/0001");
  const size = MAX_UNACKED + 1;
  bench.write(OUT, randomBytes(size));
  bench.note("after it");
  assert.equal(bench.server.text(EVENTS), "");
  bench.upload.acknowledge(OUT, MAX_UNACKED);
  assert.equal(bench.server.size(OUT), size);
  assert.match(bench.server.text(EVENTS), /after it/);
});

test("the upload of a run of the journal sends whole lines only", async (t) => {
  const bench = await openBench(t);
  await bench.connect();
  bench.write(EVENTS, '{"half":');
  bench.upload.wake();
  assert.equal(bench.server.frames.length, 0);
  bench.write(EVENTS, '1}\n{"again');
  bench.upload.wake();
  assert.equal(bench.server.text(EVENTS), '{"half":1}\n');
});

test("the upload of a run starts anew from the acknowledged offsets over the next connection", async (t) => {
  const bench = await openBench(t, { acknowledge: false });
  bench.write(OUT, "0123456789");
  await bench.connect();
  bench.upload.acknowledge(OUT, 5);
  bench.upload.disconnect();
  bench.write(OUT, "abc");
  assert.equal(bench.server.frames.length, 1);
  bench.server.frames.length = 0;
  await bench.connect({ [OUT]: 7 });
  assert.deepEqual(
    bench.server.frames.map(({ offset, length }) => ({ offset, length })),
    [{ offset: 7, length: 6 }],
  );
});

test("the upload of a run is not held up by an acknowledgement of more than this connection carried", async (t) => {
  const bench = await openBench(t, { acknowledge: false });
  bench.write(OUT, Buffer.alloc(2 * MAX_UNACKED));
  await bench.connect();
  bench.upload.acknowledge(OUT, 2 * MAX_UNACKED - 10);
  assert.deepEqual(bench.server.frames.at(-1)?.offset, 2 * MAX_UNACKED - 10);
  bench.upload.acknowledge(OUT, 2 * MAX_UNACKED);
  bench.upload.complete();
  assert.deepEqual(bench.delivered, [{ [OUT]: 2 * MAX_UNACKED, [EVENTS]: 0 }]);
});

test("the upload of a run sends nothing over a connection that broke before it was set up", async (t) => {
  const bench = await openBench(t);
  bench.write(OUT, "x");
  const connecting = bench.connect();
  bench.upload.disconnect();
  await connecting;
  assert.equal(bench.server.frames.length, 0);
  await Promise.all([bench.connect(), bench.connect()]);
  assert.equal(bench.server.frames.length, 1);
});

test("the upload of a run is delivered once, when it is complete and all of it is acknowledged", async (t) => {
  const bench = await openBench(t, { acknowledge: false });
  bench.write(OUT, "0123456789");
  bench.note("last");
  const size = readFileSync(join(bench.directory.path, EVENTS)).length;
  await bench.connect();
  bench.upload.acknowledge(OUT, 10);
  bench.upload.complete();
  bench.upload.acknowledge(EVENTS, size - 1);
  assert.deepEqual(bench.delivered, []);
  bench.upload.acknowledge(EVENTS, size);
  bench.upload.acknowledge(EVENTS, size);
  assert.deepEqual(bench.delivered, [{ [OUT]: 10, [EVENTS]: size }]);
});

test("the upload of a run that was complete before it was connected is delivered when the server has it all already", async (t) => {
  const bench = await openBench(t);
  bench.write(OUT, "0123456789");
  bench.upload.complete();
  assert.deepEqual(bench.delivered, []);
  await bench.connect({ [OUT]: 10 });
  assert.equal(bench.delivered.length, 1);
});

test("the upload of a run sends before the end what was printed after a process was let go of", async (t) => {
  const bench = await openBench(t);
  await bench.connect();
  bench.write(OUT, "agent ");
  bench.upload.follow("iterations/0001")[Symbol.dispose]();
  bench.write(OUT, "grandchild");
  bench.upload.revisit();
  assert.equal(bench.server.text(OUT), "agent grandchild");
});

test("the upload of a run that cannot read a file says so, and tries again", async (t) => {
  const bench = await openBench(t);
  mkdirSync(join(bench.directory.path, OUT), { recursive: true });
  await bench.connect();
  assert.match(String(bench.failures[0]), /EISDIR/);
  rmSync(join(bench.directory.path, OUT), { recursive: true });
  bench.write(OUT, "readable");
  await until(() => bench.server.text(OUT) === "readable", "it is tried again");
});

test("the upload of a run of a flood keeps no more than the window on its way, and no files open", async (t) => {
  const bench = await openBench(t, { acknowledge: false });
  const piece = randomBytes(4 * 1024 * 1024);
  const hash = createHash("sha256");
  for (let written = 0; written < 16; written += 1) {
    bench.write(OUT, piece);
    hash.update(piece);
  }
  const received = createHash("sha256");
  bench.server.received = (data) => received.update(data);
  await bench.connect();
  for (let acked = 0; acked < 16 * piece.length;) {
    const { size } = bench.server;
    assert.ok(size(OUT) - acked <= MAX_UNACKED, `${size(OUT) - acked} bytes on their way`);
    acked = size(OUT);
    bench.upload.acknowledge(OUT, acked);
  }
  assert.equal(received.digest("hex"), hash.digest("hex"));
  assert.deepEqual(openFiles(bench.directory.path), []);
});

interface Frame {
  run: string;
  fence: number;
  stream: string;
  offset: number;
  length: number;
}

/** What a server has of the run's streams. */
class Received {
  readonly frames: Frame[] = [];
  readonly #texts = new Map<string, string>();
  readonly #sizes = new Map<string, number>();
  received: ((data: Uint8Array) => void) | null = null;

  take(frame: Uint8Array): { stream: string; end: number } {
    const { header, data } = decodeAppend(frame);
    assert.ok(data.length > 0 && data.length <= MAX_FRAME_DATA);
    this.frames.push({ ...header, length: data.length });
    this.#sizes.set(header.stream, header.offset + data.length);
    if (this.received === null) this.#texts.set(header.stream, this.text(header.stream) + Buffer.from(data).toString());
    else this.received(data);
    return { stream: header.stream, end: header.offset + data.length };
  }

  text(stream: string): string {
    return this.#texts.get(stream) ?? "";
  }

  readonly size = (stream: string): number => this.#sizes.get(stream) ?? 0;
}

async function openBench(t: TestContext, { acknowledge = true } = {}) {
  const runs = await mkdtemp(join(tmpdir(), "makima-upload-"));
  t.after(() => rm(runs, { recursive: true, force: true }));
  const directory = await RunDirectory.create(runs, runSpec());
  const delivered: Record<string, number>[] = [];
  const failures: unknown[] = [];
  const upload = new RunUpload(directory, {
    delivered: (acked) => delivered.push(acked),
    failed: (error) => failures.push(error),
  });
  t.after(() => upload[Symbol.dispose]());
  directory.openJournal();
  t.after(() => directory.closeJournal());
  const server = new Received();
  return {
    directory,
    upload,
    server,
    delivered,
    failures,
    connect: (acked: Record<string, number> = {}) =>
      upload.connect((frame) => {
        const { stream, end } = server.take(frame);
        if (acknowledge) queueMicrotask(() => upload.acknowledge(stream, end));
      }, acked),
    write: (stream: string, data: string | Buffer): void => {
      mkdirSync(dirname(join(directory.path, stream)), { recursive: true });
      appendFileSync(join(directory.path, stream), data);
    },
    note: (message: string): void => {
      directory.append([{ type: "notice", at: 1, message }], { durable: false });
      upload.wake();
    },
  };
}

/** Files below `path` that this process has open, the journal aside. */
function openFiles(path: string): string[] {
  const targets = readdirSync("/proc/self/fd").map((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      // The one through which the list was read.
      return "";
    }
  });
  return targets.filter((target) => target.startsWith(path) && !target.endsWith(`/${EVENTS}`));
}
