import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { assign } from "./policy.ts";

test("the oldest task goes first, to the daemon with the most room", () => {
  const places = [
    { daemonId: "small", free: 1 },
    { daemonId: "large", free: 2 },
  ];
  assert.deepEqual(assign(["1", "2", "3", "4"], places), [
    { taskId: "1", daemonId: "large" },
    { taskId: "2", daemonId: "small" },
    { taskId: "3", daemonId: "large" },
  ]);
});

test("nobody gets more than there is room for, and no room stays empty while a task waits", () => {
  const anyPlaces = fc.uniqueArray(fc.record({ daemonId: fc.string(), free: fc.nat(5) }), {
    selector: ({ daemonId }) => daemonId,
  });
  fc.assert(
    fc.property(fc.uniqueArray(fc.string()), anyPlaces, (pending, places) => {
      const assignments = assign(pending, places);
      const room = places.reduce((sum, { free }) => sum + free, 0);
      assert.equal(assignments.length, Math.min(pending.length, room));
      assert.deepEqual(
        assignments.map(({ taskId }) => taskId),
        pending.slice(0, assignments.length),
      );
      for (const { daemonId, free } of places) {
        assert.ok(assignments.filter((assignment) => assignment.daemonId === daemonId).length <= free);
      }
    }),
  );
});
