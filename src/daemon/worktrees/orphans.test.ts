import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Orphans } from "./orphans.ts";

const GRACE = 100;

test("an orphan is due after its grace, which goes on through restarts, but not before a server has said so again", async () => {
  await using place = await openPlace();
  const first = await Orphans.open(place.path);
  await first.note(["a", "b"], 1_000);
  assert.deepEqual([...first.due(1_099, GRACE)], []);
  assert.deepEqual([...first.due(1_100, GRACE)], ["a", "b"]);
  const second = await Orphans.open(place.path);
  assert.deepEqual([...second.due(5_000, GRACE)], []);
  // A task that is known again has lost its mark, and begins anew.
  await second.note(["b", "c"], 5_000);
  assert.deepEqual([...second.due(5_000, GRACE)], ["b"]);
  await second.note(["a", "b", "c"], 5_050);
  assert.deepEqual([...second.due(5_120, GRACE)], ["b", "c"]);
});

test("an orphan's grace is not longer for a clock that was set back, and begins anew where it cannot be read", async () => {
  await using place = await openPlace();
  await (await Orphans.open(place.path)).note(["a"], 1_000_000);
  const orphans = await Orphans.open(place.path);
  await orphans.note(["a"], 1_000);
  assert.deepEqual([...orphans.due(1_100, GRACE)], ["a"]);
  await writeFile(place.path, '{"a":');
  const torn = await Orphans.open(place.path);
  await torn.note(["a"], 2_000);
  assert.deepEqual([...torn.due(2_099, GRACE)], []);
  assert.deepEqual(JSON.parse(await readFile(place.path, "utf8")), { a: 2_000 });
});

async function openPlace() {
  const dir = await mkdtemp(join(tmpdir(), "makima-orphans-"));
  return { path: join(dir, "orphans.json"), [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}
