import assert from "node:assert/strict";
import { test } from "node:test";
import { openBench, printGate } from "../../../test/support/run.ts";
import { bubblewrapHere } from "../../platform/sandbox/fixtures/bwrap.ts";
import { putAside } from "./put-aside.ts";
import { carryOn } from "./run.ts";

const { missing: skip } = await bubblewrapHere();

test("what a sandboxed run has done elsewhere than on its branch is put aside with the rest", { skip }, async () => {
  const work = `git checkout -q -b other; echo committed >committed; git add committed; git commit -qm Elsewhere
    git checkout -q -; git commit -q --allow-empty -m Home; git checkout -q --detach; echo open >open; ${printGate(false)}`;
  await using bench = await openBench({ agent: work, spec: { bubblewrap: true, autonomousLoop: false } });
  const { repository: r, spec } = bench;
  await using hold = await bench.takeUp();
  await carryOn(hold.context);
  assert.equal(bench.checkouts().length, 1);
  await putAside(hold.context);
  const ref = `refs/makima/salvage/${spec.taskId}/${spec.runId}`;
  const kept = r.run(r.dir, "log", "--format=%s", ref).split("\n");
  assert.ok(kept.includes("Elsewhere") && kept.includes("Home"), kept.join());
  assert.match(r.run(r.dir, "log", "--name-only", "--format=", spec.branch), /open/);
  assert.deepEqual(bench.checkouts(), []);
  await putAside(hold.context);
  assert.equal(r.run(r.dir, "log", "--format=%s", ref).split("\n").length, kept.length);
});
