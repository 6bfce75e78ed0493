import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { Wishes } from "./wishes.ts";

test("wishes are known again after a restart", async (t) => {
  const path = await temporary(t);
  const wishes = await Wishes.open(path);
  assert.deepEqual([wishes.paused, wishes.messages], [false, []]);
  await wishes.pause(true);
  for (const id of ["z", "a", "m"]) await wishes.say(words(id, `text of ${id}\n`));
  for (const known of [wishes, await Wishes.open(path)]) {
    assert.deepEqual([known.paused, idsOf(known)], [true, ["z", "a", "m"]]);
    assert.equal(await known.text("a"), "text of a\n");
  }
  await wishes.pause(false);
  assert.equal((await Wishes.open(path)).paused, false);
});

test("wishes that are repeated are the same, and one that was cut short is none", async (t) => {
  const path = await temporary(t);
  const wishes = await Wishes.open(path);
  await wishes.say(words("a", "first"));
  await wishes.say(words("a", "second"));
  writeFileSync(join(path, "message-000002-b.event.0123456789ab.tmp"), "half");
  const again = await Wishes.open(path);
  assert.deepEqual([idsOf(again), await again.text("a")], [["a"], "first"]);
  await assert.rejects(again.say(words("../b", "x")), { code: "invalid_request" });
});

test("wishes know of each message what kind it is, also of one that an older makima has kept", async (t) => {
  const path = await temporary(t);
  writeFileSync(join(path, "message-000001-old"), "Use tabs");
  const wishes = await Wishes.open(path);
  for (const kind of ["nudge", "event", "person"] as const) await wishes.say({ id: `a-${kind}`, kind, text: kind });
  for (const known of [wishes, await Wishes.open(path)]) {
    assert.deepEqual(known.messages, [
      { id: "old", kind: "person" },
      { id: "a-nudge", kind: "nudge" },
      { id: "a-event", kind: "event" },
      { id: "a-person", kind: "person" },
    ]);
    assert.deepEqual([await known.text("old"), await known.text("a-event")], ["Use tabs", "event"]);
  }
});

test("wishes wake those who wait for them, and nobody else", async (t) => {
  const wishes = await Wishes.open(await temporary(t));
  using paused = wishes.when(() => wishes.paused);
  const gone = wishes.when(() => wishes.messages.length > 0);
  gone[Symbol.dispose]();
  await wishes.say(words("a", "text"));
  assert.deepEqual([paused.signal.aborted, gone.signal.aborted], [false, false]);
  await wishes.pause(true);
  assert.equal(paused.signal.aborted, true);
  using already = wishes.when(() => wishes.paused);
  assert.equal(already.signal.aborted, true);
});

function words(id: string, text: string) {
  return { id, kind: "person", text } as const;
}

function idsOf(wishes: Wishes): string[] {
  return wishes.messages.map(({ id }) => id);
}

async function temporary(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "makima-wishes-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}
