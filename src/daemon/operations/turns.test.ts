import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Turns } from "./turns.ts";

test("turns are given in the order of asking, to no more than may have one, and key by key", async () => {
  const one = fc.record({ key: fc.constantFrom("a", "b"), steps: fc.nat(5) });
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 3 }),
    fc.array(one, { maxLength: 20 }),
    async (size, askers) => {
      const turns = new Turns(size);
      const began: Record<string, number[]> = { a: [], b: [] };
      const inside: Record<string, number> = { a: 0, b: 0 };
      const work = askers.map(async ({ key, steps }, index) => {
        using _turn = await turns.take(key);
        began[key]?.push(index);
        inside[key] = (inside[key] ?? 0) + 1;
        assert.ok((inside[key] ?? 0) <= size);
        for (let step = 0; step < steps; step += 1) await Promise.resolve();
        inside[key] = (inside[key] ?? 0) - 1;
      });
      await Promise.all(work);
      for (const key of ["a", "b"]) {
        const asked = askers.flatMap((asker, index) => (asker.key === key ? [index] : []));
        assert.deepEqual(began[key], asked);
      }
    },
  );
  await fc.assert(property);
});
