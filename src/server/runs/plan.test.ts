import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_FRAME_DATA } from "../../protocol/streams.ts";
import { planAppends } from "./plan.ts";

const OUT = "iterations/0001/out";
const piece = (offset: number, text: string) => ({ offset, data: Buffer.from(text) });
const added = (stream: string, size: number, ...pieces: ReturnType<typeof piece>[]) => {
  const plan = planAppends(stream, size, pieces);
  return { text: plan.data.toString(), size: plan.size };
};

test("what follows the end is added", () => {
  assert.deepEqual(added(OUT, 3, piece(3, "def"), piece(6, "ghi")), { text: "defghi", size: 9 });
});

test("what is there already is not added again, only what goes beyond it", () => {
  assert.deepEqual(added(OUT, 3, piece(0, "abc")), { text: "", size: 3 });
  assert.deepEqual(added(OUT, 3, piece(1, "bcde"), piece(2, "cdef")), { text: "def", size: 6 });
});

test("what lies behind a gap is left out", () => {
  assert.deepEqual(added(OUT, 3, piece(4, "e"), piece(3, "d")), { text: "d", size: 4 });
});

test("of events only whole lines are taken", () => {
  assert.deepEqual(added("events", 0, piece(0, "{}\n{")), { text: "{}\n", size: 3 });
  assert.deepEqual(added("events", 3, piece(3, "{")), { text: "", size: 3 });
  assert.deepEqual(added("events", 3, piece(0, "{}\n{}\n{")), { text: "{}\n", size: 6 });
});

test("a line that fills a whole frame does not hold up what follows it", () => {
  assert.equal(planAppends("events", 0, [{ offset: 0, data: Buffer.alloc(MAX_FRAME_DATA, "x") }]).size, MAX_FRAME_DATA);
});
