import fc from "fast-check";
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { findCycle } from "./dependencies.ts";

/** Up to 12 tasks, each with dependencies on any of them. */
const anyGraph = fc
  .array(fc.uniqueArray(fc.nat(11), { maxLength: 4 }), { minLength: 1, maxLength: 12 })
  .map((lists) => new Map(lists.map((list, index) => [String(index), list.map(String)])));

suite("findCycle", () => {
  test("names the tasks of a cycle in the order in which they wait", () => {
    const after = new Map([
      ["a", ["x", "b"]],
      ["b", ["c"]],
      ["c", ["b"]],
      ["x", []],
    ]);
    assert.deepEqual(findCycle(after, "a"), ["b", "c"]);
    assert.deepEqual(findCycle(new Map([["a", ["a"]]]), "a"), ["a"]);
    assert.equal(findCycle(after, "x"), null);
    assert.equal(findCycle(after, "unknown"), null);
  });

  test("what it finds is a cycle", () => {
    fc.assert(
      fc.property(anyGraph, (after) => {
        const cycle = findCycle(after, "0") ?? [];
        for (const [index, id] of cycle.entries()) {
          assert.ok(after.get(id)?.includes(cycle[(index + 1) % cycle.length] ?? ""));
        }
        assert.equal(new Set(cycle).size, cycle.length);
      }),
    );
  });

  test("it finds one exactly where a task can be reached from itself", () => {
    fc.assert(
      fc.property(anyGraph, (after) => {
        const reached = ["0", ...reachable(after, "0")];
        const cyclic = reached.some((id) => reachable(after, id).has(id));
        assert.equal(findCycle(after, "0") !== null, cyclic);
      }),
    );
  });

  test("chains of any length, and many ways to the same task, are no problem", () => {
    const chain = new Map(Array.from({ length: 100_000 }, (_, index) => [String(index), [String(index + 1)]]));
    assert.equal(findCycle(chain, "0"), null);
    // 2^1000 ways lead from the first task to the last.
    const ladder = new Map(
      Array.from({ length: 2_000 }, (_, index) => [String(index), [String(index + 1), String(index + 2)]]),
    );
    assert.equal(findCycle(ladder, "0"), null);
  });
});

function reachable(after: ReadonlyMap<string, readonly string[]>, from: string): Set<string> {
  const found = new Set<string>();
  const open = [...(after.get(from) ?? [])];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    open.push(...(after.get(id) ?? []));
  }
  return found;
}
