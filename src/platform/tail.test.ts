import fc from "fast-check";
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { FileTail } from "./tail.ts";

test("follows a file from before it exists to its end", async (context) => {
  const path = await temporaryFile(context);
  await using tail = new FileTail(path);
  const collected = collect(tail);
  await nextTurn();
  for (const part of ["a", "bc", "def"]) {
    appendFileSync(path, part);
    await nextTurn();
  }
  tail.finish();
  assert.equal((await collected).toString(), "abcdef");
});

test("whatever the parts, the offset and the moments, the bytes are those of the file", async (context) => {
  const path = await temporaryFile(context);
  let round = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 300_000 })),
      fc.nat(400_000),
      fc.nat(5),
      async (parts, from, turns) => {
        const file = `${path}.${round++}`;
        const whole = Buffer.concat(parts);
        const offset = Math.min(from, whole.length);
        await using tail = new FileTail(file, { offset });
        const collected = collect(tail, offset);
        for (const part of parts) {
          appendFileSync(file, part);
          for (let turn = 0; turn < turns; turn++) await nextTurn();
        }
        tail.finish();
        assert.ok((await collected).equals(whole.subarray(offset)));
      },
    ),
    { numRuns: 30 },
  );
});

test("tells of an appended byte at once, not at the next poll", async (context) => {
  const path = await temporaryFile(context);
  appendFileSync(path, "1");
  await using tail = new FileTail(path);
  const chunks = tail[Symbol.asyncIterator]();
  await chunks.next();
  const waits: number[] = [];
  for (let round = 0; round < 10; round++) {
    const next = chunks.next();
    const appended = performance.now();
    appendFileSync(path, "1");
    await next;
    waits.push(performance.now() - appended);
  }
  assert.ok(Math.min(...waits) < 100, `waited ${waits.join(", ")} ms`);
});

test("ends at what the file held when it was finished, though something goes on appending", async (context) => {
  const path = await temporaryFile(context);
  appendFileSync(path, "before");
  await using tail = new FileTail(path);
  tail.finish();
  appendFileSync(path, "after");
  assert.equal((await collect(tail)).toString(), "before");
});

test("a file that never came to be is empty, and a disposed tail ends", async (context) => {
  const path = await temporaryFile(context);
  await using missing = new FileTail(path);
  missing.finish();
  assert.equal((await collect(missing)).length, 0);
  const tail = new FileTail(path);
  const collected = collect(tail);
  await tail[Symbol.asyncDispose]();
  assert.equal((await collected).length, 0);
});

/** All bytes until the tail ends; the offsets must be without gap or repeat. */
async function collect(tail: FileTail, from = 0): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let expected = from;
  for await (const { offset, data } of tail) {
    assert.equal(offset, expected);
    assert.ok(data.length > 0 && data.length <= 64 * 1024);
    expected += data.length;
    chunks.push(data);
  }
  return Buffer.concat(chunks);
}

async function temporaryFile(context: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "tail-"));
  context.after(() => rm(dir, { recursive: true, force: true }));
  return join(dir, "file");
}
