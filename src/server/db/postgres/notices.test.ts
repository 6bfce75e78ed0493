import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeNotice, encodeNotices } from "./notices.ts";

test("what is encoded names every topic, or all, in payloads that PostgreSQL takes", () => {
  const topic = fc.string({ unit: "binary", maxLength: 300 });
  fc.assert(
    fc.property(fc.uuid(), fc.array(topic, { maxLength: 400 }), (from, list) => {
      const topics = new Set(list);
      const payloads = encodeNotices(from, topics);
      for (const payload of payloads) assert.ok(Buffer.byteLength(payload) < 8000, String(payload.length));
      const notices = payloads.map(decodeNotice);
      assert.ok(notices.every((notice) => notice.from === from));
      if (notices.some((notice) => notice.topics === null)) assert.equal(notices.length, 1);
      else assert.deepEqual(new Set(notices.flatMap((notice) => notice.topics ?? [])), topics);
    }),
  );
});

test("few topics are named, too many or too long ones are not, and none is told of none", () => {
  assert.deepEqual(encodeNotices("me", new Set()), []);
  assert.deepEqual(encodeNotices("me", new Set(["a", "b"])).map(decodeNotice), [{ from: "me", topics: ["a", "b"] }]);
  const everything = [{ from: "me", topics: null }];
  const many = new Set(Array.from({ length: 5000 }, (_, index) => `run/${index}/iterations/0001/out`));
  assert.deepEqual(encodeNotices("me", many).map(decodeNotice), everything);
  assert.deepEqual(encodeNotices("me", new Set(["x".repeat(8000)])).map(decodeNotice), everything);
});

test("a payload that makes no sense wakes everybody", () => {
  for (const payload of ["", "null", "[]", "{", '{"from":"x","topics":[1]}', '{"topics":"all"}']) {
    assert.equal(decodeNotice(payload).topics, null, payload);
  }
});
