import assert from "node:assert/strict";
import { test } from "node:test";
import { Inbox } from "./inbox.ts";

function createInbox() {
  let held = 0;
  const inbox = new Inbox<string>((change) => {
    held += change;
  });
  return { inbox, held: () => held };
}

test("gives everything that has arrived, and counts what it holds", async () => {
  const { inbox, held } = createInbox();
  inbox.put("a", 3);
  inbox.put("b", 4);
  assert.equal(held(), 7);
  assert.deepEqual(await inbox.take(), ["a", "b"]);
  assert.equal(held(), 0);
});

test("waits for what comes later", async () => {
  const { inbox } = createInbox();
  const taken = inbox.take();
  inbox.put("late", 1);
  assert.deepEqual(await taken, ["late"]);
});

test("ends after what was put before, and takes nothing more", async () => {
  const { inbox, held } = createInbox();
  inbox.put("last", 1);
  inbox.end();
  inbox.put("too late", 1);
  inbox.end(new Error("too late as well"));
  assert.deepEqual(await inbox.take(), ["last"]);
  assert.equal(await inbox.take(), null);
  assert.equal(held(), 0);
});

test("fails after what was put before", async () => {
  const { inbox } = createInbox();
  const waiting = inbox.take();
  inbox.end(new Error("lost"));
  await assert.rejects(waiting, /lost/);
});
