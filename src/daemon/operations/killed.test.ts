import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { LastHour } from "../../../test/fixtures/operation-killed.ts";
import {
  checkoutFor,
  checks,
  mergeOrder,
  openOperations,
  placeOf,
  taskWith,
} from "../../../test/support/operations.ts";
import type { OperationsBench } from "../../../test/support/operations.ts";
import { hashRepository, writeFiles } from "../../../test/support/repository.ts";
import { until } from "../../../test/support/until.ts";
import type { OperationOrder } from "../../protocol/operations.ts";

const fixture = fileURLToPath(new URL("../../../test/fixtures/operation-killed.ts", import.meta.url));
const INTO = "makima/goal/integration";

test("a merge that was killed anywhere is made once, and leaves nothing behind", async () => {
  const deaths = [
    ["before", "merge-tree", "merged"],
    ["after", "commit-tree", "merged"],
    ["before", "worktree add", "merged"],
    ["after", "worktree add", "merged"],
    ["before", "update-ref", "merged"],
    // It had been made by then.
    ["after", "update-ref", "up-to-date"],
  ] as const;
  for (const [moment, words, outcome] of deaths) {
    await using bench = await openOperations();
    const { repository: r } = bench;
    const order = mergeOrder(await taskWith(r, { "b.txt": "two\n" }), { checks: checks("test -f b.txt") });
    const before = await hashRepository(r.dir);
    die(bench, order, moment, words);
    const { error, result } = await (await bench.restart()).execute("1", order);
    assert.deepEqual([error, result?.["outcome"]], [null, outcome], `${moment} ${words}`);
    assert.equal(r.run(r.dir, "rev-list", "--count", "--merges", INTO), "1", `${moment} ${words}`);
    assert.equal(await hashRepository(r.dir), before, `${moment} ${words}`);
  }
});

test("checks of a merge end with their daemon's successor at the latest", async () => {
  await using bench = await openOperations();
  const { repository: r, place } = bench;
  const began = join(r.root, "began");
  const order = mergeOrder(await taskWith(r, { "b.txt": "two\n" }), {
    checks: checks(`echo >${began}; setsid sleep 300`),
  });
  const lastHour: LastHour = { place, id: "1", order, moment: "after", words: "never" };
  const child = spawn(process.execPath, [fixture, JSON.stringify(lastHour)], { stdio: "inherit" });
  await until(
    () =>
      readFile(began).then(
        () => true,
        () => false,
      ),
    "the check runs",
  );
  child.kill("SIGKILL");
  await once(child, "exit");
  await bench.restart();
});

test("a restored checkpoint whose restoring was killed is restored, and what was there before is kept", async () => {
  const deaths = [
    ["after", "commit-tree"],
    ["after", "update-ref"],
    ["before", "read-tree -m"],
    ["after", "read-tree -m"],
  ] as const;
  for (const [moment, words] of deaths) {
    await using bench = await openOperations();
    const { repository: r } = bench;
    const place = placeOf(r);
    const { dir } = await checkoutFor(r, place);
    await writeFiles(dir, { "a.txt": "good\n", "new.txt": "n\n" });
    const { commit } = await bench.carryOut({ kind: "CreateCheckpoint", place, name: "good", message: "Good" });
    await writeFiles(dir, { "a.txt": "bad\n", "worse.txt": "w\n" });
    const order: OperationOrder = { kind: "RestoreCheckpoint", place, commit, save: "before" };
    die(bench, order, moment, words);
    const { result } = await (await bench.restart()).execute("1", order);
    assert.equal(await readFile(join(dir, "a.txt"), "utf8"), "good\n", words);
    assert.equal(r.run(dir, "status", "--porcelain"), "M a.txt\n?? new.txt", words);
    const ref = "refs/makima/checkpoints/task-1/before";
    assert.deepEqual(result, { commit, saved: { name: "before", ref, commit: r.run(r.dir, "rev-parse", ref) } }, words);
    assert.equal(r.run(r.dir, "show", `${ref}:a.txt`), "bad", words);
    assert.equal(r.run(r.dir, "show", `${ref}:worse.txt`), "w", words);
  }
});

function die({ place }: OperationsBench, order: OperationOrder, moment: LastHour["moment"], words: string): void {
  const lastHour: LastHour = { place, id: "1", order, moment, words };
  const { signal, stderr } = spawnSync(process.execPath, [fixture, JSON.stringify(lastHour)], { encoding: "utf8" });
  assert.equal(signal, "SIGKILL", stderr);
}
