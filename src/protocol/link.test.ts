import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Command, DaemonMessage, decodeAppend, encodeAppend, ServerMessage } from "./link.ts";
import type { AppendHeader } from "./link.ts";

const header: fc.Arbitrary<AppendHeader> = fc.record(
  {
    run: fc.string({ unit: "binary" }),
    fence: fc.integer({ min: 1 }),
    stream: fc.string({ unit: "binary" }),
    offset: fc.maxSafeNat(),
  },
  { noNullPrototype: true },
);

describe("an append frame", () => {
  it("comes back as it was, from wherever in a buffer it lies", () => {
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 1_000 }), fc.nat({ max: 20 }), (head, data, before) => {
        const frame = encodeAppend(head, data);
        const buffer = new Uint8Array(before + frame.length + 3);
        buffer.set(frame, before);
        const decoded = decodeAppend(buffer.subarray(before, before + frame.length));
        assert.deepEqual(decoded.header, head);
        assert.deepEqual(new Uint8Array(decoded.data), data);
      }),
    );
  });

  it("that is cut within its header, or says nonsense, is refused", () => {
    const frame = encodeAppend({ run: "r", fence: 1, stream: "events", offset: 0 }, new Uint8Array(0));
    for (let length = 0; length < frame.length; length += 1)
      assert.throws(() => decodeAppend(frame.subarray(0, length)));
    assert.throws(() => decodeAppend(new Uint8Array([255, 255, 255, 255, 0])), /shorter than its header/);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const nonsense = new Uint8Array([0, 0, 0, bytes.length, ...bytes]);
        assert.throws(() => decodeAppend(nonsense));
      }),
    );
  });

  it("has a header of exactly its fields", () => {
    const good = { run: "r", fence: 1, stream: "events", offset: 0 };
    const bad = [
      { ...good, more: 1 },
      { ...good, fence: 0 },
      { ...good, offset: -1 },
      { ...good, offset: 0.5 },
      { run: "r" },
    ];
    for (const head of bad) assert.throws(() => decodeAppend(encodeAppend(head as AppendHeader, new Uint8Array(1))));
  });
});

describe("the messages of the link", () => {
  const good: [schema: typeof DaemonMessage | typeof ServerMessage | typeof Command, message: object][] = [
    [
      DaemonMessage,
      {
        type: "hello",
        version: 1,
        daemonId: "d",
        instance: "i",
        name: "n",
        host: "h",
        maxTasks: 1,
        labels: { gpu: "yes" },
        worktrees: ["t"],
        runs: [{ runId: "r", fence: 1 }],
      },
    ],
    [DaemonMessage, { type: "commandDone", id: "c", error: null, result: null }],
    [
      DaemonMessage,
      { type: "commandDone", id: "c", error: { code: "conflict", message: "m", hint: "h" }, result: null },
    ],
    [DaemonMessage, { type: "heartbeat", at: 1 }],
    [ServerMessage, { type: "welcome", version: 1, acked: { r: { events: 0 } }, orphans: ["t"] }],
    [ServerMessage, { type: "ack", run: "r", stream: "events", offset: 1 }],
    [ServerMessage, { type: "command", id: "c", command: { kind: "InterruptTask", runId: "r", reason: "x" } }],
    [ServerMessage, { type: "fenced", run: "r" }],
    [ServerMessage, { type: "refused", message: "x" }],
    [Command, { kind: "InterruptTask", runId: "r", reason: "x" }],
    [Command, { kind: "PauseTask", runId: "r" }],
    [Command, { kind: "ResumeTask", runId: "r" }],
    [Command, { kind: "CleanupWorktree", contractId: "c", taskIds: ["t"] }],
    [Command, { kind: "ListBranches", repository: "/r", prefix: "makima/a/" }],
    [Command, { kind: "MessageTask", runId: "r", message: { id: "m", kind: "person", text: "t" } }],
  ];

  for (const [schema, message] of good) {
    const name = Object.values(message).slice(0, 1).join("");
    it(`take ${name} as it is, and neither with a field more nor with one less`, () => {
      assert.deepEqual(schema.parse(JSON.parse(JSON.stringify(message))), message);
      assert.equal(schema.safeParse({ ...message, more: 1 }).success, false);
      for (const field of Object.keys(message)) {
        const { [field]: _left, ...rest } = message as Record<string, unknown>;
        assert.equal(schema.safeParse(rest).success, false, `without ${field}`);
      }
    });
  }

  it("know no other type, and no offset that is none", () => {
    assert.equal(ServerMessage.safeParse({ type: "unheard-of" }).success, false);
    assert.equal(ServerMessage.safeParse({ type: "ack", run: "r", stream: "events", offset: -1 }).success, false);
    assert.equal(
      ServerMessage.safeParse({ type: "welcome", version: 1, acked: { r: { events: "1" } }, orphans: [] }).success,
      false,
    );
  });
});
