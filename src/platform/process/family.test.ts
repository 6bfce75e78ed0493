import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { familyOf } from "./family.ts";
import type { ProcessEntry } from "./identity.ts";

test("descendants, and members of the groups and sessions that they lead", () => {
  const table = [
    entry(2, { parent: 1 }),
    entry(3, { parent: 2, group: 2, session: 2 }),
    // Its parent is gone, the leader of its session is not.
    entry(4, { parent: 1, group: 9, session: 3 }),
    entry(5, { parent: 4 }),
    entry(6, { parent: 1 }),
    entry(7, { parent: 6, group: 6, session: 6 }),
  ];
  assert.deepEqual(pidsOf(familyOf(new Set([2]), table, { spared: 1 })), [2, 3, 4, 5]);
  assert.deepEqual(pidsOf(familyOf(new Set([2]), table, { spared: 4 })), [2, 3]);
  assert.deepEqual(familyOf(new Set([8]), table, { spared: 1 }), []);
});

test("whoever is found is known or belongs to somebody found, and nobody of these is left out", () => {
  const pid = fc.integer({ min: 1, max: 12 });
  const entries = fc.uniqueArray(fc.record({ pid, parent: pid, group: pid, session: pid }), {
    selector: (process) => process.pid,
  });
  fc.assert(
    fc.property(entries, fc.uniqueArray(pid), pid, (processes, known, spared) => {
      const table = processes.map((process) => entry(process.pid, process));
      const family = new Set(familyOf(new Set(known), table, { spared }));
      const members = new Set([...family].map((process) => process.pid));
      assert.ok(!members.has(spared));
      for (const process of table) {
        const kin = [process.parent, process.group, process.session];
        const belongs = kin.some((other) => other !== process.pid && members.has(other));
        assert.equal(family.has(process), process.pid !== spared && (known.includes(process.pid) || belongs));
      }
    }),
  );
});

function entry(pid: number, kin: Partial<ProcessEntry>): ProcessEntry {
  return { pid, startTime: "1", bootId: "boot", parent: 1, group: pid, session: pid, ...kin };
}

function pidsOf(entries: readonly ProcessEntry[]): number[] {
  return entries.map(({ pid }) => pid).toSorted((a, b) => a - b);
}
