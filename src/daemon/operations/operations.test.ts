import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { mergeOrder, openOperations, placeOf, startOperations, taskWith } from "../../../test/support/operations.ts";
import type { OperationsBench } from "../../../test/support/operations.ts";
import { openTestRepository } from "../../../test/support/repository.ts";
import { until } from "../../../test/support/until.ts";
import { exists } from "../../platform/files.ts";
import { createGit } from "../../platform/git/git.ts";
import type { Git } from "../../platform/git/git.ts";
import type { OperationOrder } from "../../protocol/operations.ts";

const INTO = "makima/goal/integration";

test("an operation under way is not begun again, and one that is done is not done again, also after a restart", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const order = mergeOrder(await taskWith(r, { "b.txt": "two\n" }));
  const answers = await Promise.all([bench.operations.execute("1", order), bench.operations.execute("1", order)]);
  const [first] = answers;
  assert.equal(first?.result?.["outcome"], "merged");
  await taskWith(r, { "c.txt": "three\n" });
  const again = await (await bench.restart()).execute("1", order);
  for (const answer of [answers[1], again]) assert.deepEqual(answer, first);
  assert.equal(r.run(r.dir, "rev-list", "--count", "--merges", INTO), "1");
  assert.equal((await bench.operations.execute("2", order)).result?.["outcome"], "merged");
});

test("what failed is recorded like what was done; a look is done anew", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const missing = mergeOrder(placeOf(r, "later"));
  const look: OperationOrder = { kind: "ListBranches", repository: r.dir, prefix: "makima/" };
  const ask = async () => [await bench.operations.execute("1", missing), await bench.operations.execute("2", look)];
  const [failed] = await ask();
  assert.equal(failed?.error?.code, "not_found");
  await taskWith(r, {}, { name: "later" });
  const [recorded, looked] = await ask();
  assert.deepEqual(recorded, failed);
  const branches = looked?.result?.["branches"] as { name: string }[] | undefined;
  assert.deepEqual(
    branches?.map(({ name }) => name),
    ["makima/goal/later"],
  );
});

test("at most four look at a time, whatever writes", async () => {
  const gate = held();
  await using bench = await openHeld(gate, "for-each-ref");
  const { repository: r } = bench;
  const look: OperationOrder = { kind: "ListBranches", repository: r.dir, prefix: "makima/" };
  const answers = Array.from({ length: 10 }, (_, index) => bench.operations.execute(`${index}`, look));
  await until(() => gate.waiting === 4, "four are at it");
  // A checkpoint is none of them.
  const place = await taskWith(r, {});
  const written = await bench.carryOut({ kind: "CreateCheckpoint", place, name: "1", message: "m" });
  assert.equal(written.name, "1");
  gate.open();
  for (const { error } of await Promise.all(answers)) assert.equal(error, null);
  assert.equal(gate.most, 4);
});

test("what writes to one repository waits for its turn; another repository does not, nor does a checkpoint", async () => {
  const gate = held();
  await using bench = await openHeld(gate, "merge-tree");
  await using other = await openTestRepository();
  const { repository: r } = bench;
  const places = await Promise.all(["task-1", "task-2"].map((name) => taskWith(r, { [name]: "x\n" }, { name })));
  const merges = places.map((place) => bench.carryOut(mergeOrder(place)));
  await until(() => gate.waiting === 1, "one of them merges");
  const elsewhere = bench.carryOut(mergeOrder(await taskWith(other, { "b.txt": "x\n" })));
  await until(() => gate.waiting === 2, "the other repository's merges as well");
  await bench.carryOut({ kind: "CreateCheckpoint", place: placeOf(r, "task-2"), name: "1", message: "m" });
  gate.open();
  for (const { outcome } of await Promise.all([...merges, elsewhere])) assert.equal(outcome, "merged");
  assert.equal(gate.most, 2);
});

test("a daemon that closes ends what is under way and what waits, and none of it is recorded", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const slow = join(r.root, "slow");
  await mkdir(slow);
  // git itself hangs, and would do so for good.
  const { PATH = "" } = r.environment;
  const hangs = `case "$*" in *merge-tree*) echo >"${slow}/hangs"; exec sleep 600;; esac`;
  await writeFile(join(slow, "git"), `#!/bin/sh\n${hangs}\nPATH="${PATH}" exec git "$@"\n`, { mode: 0o755 });
  const places = [await taskWith(r, { b: "b\n" }), await taskWith(r, { c: "c\n" }, { name: "task-2" })];
  const environment = { ...r.environment, PATH: `${slow}:${PATH}` };
  const closing = await startOperations({ ...bench.place, environment });
  const merges = places.map((place, index) => closing.execute(`${index}`, mergeOrder(place)));
  const rejected = Promise.all(merges.map((merge) => assert.rejects(merge, { name: "AbortError" })));
  await until(() => exists(join(slow, "hangs")), "git hangs");
  await closing[Symbol.asyncDispose]();
  await rejected;
  await assert.rejects(closing.execute("3", mergeOrder(placeOf(r))), { name: "AbortError" });
  await bench.restart();
  const answers = await Promise.all(
    places.map((place, index) => bench.operations.execute(`${index}`, mergeOrder(place))),
  );
  assert.deepEqual(
    answers.map(({ result }) => result?.["outcome"]),
    ["merged", "merged"],
  );
});

test("nothing is done where the daemon may not work, or in a place that is no repository of its own", async () => {
  const asked: string[] = [];
  await using bench = await openOperations({
    allowsRepository: (path) => {
      asked.push(path);
      return path.endsWith("allowed");
    },
  });
  const { repository: r } = bench;
  await assert.rejects(bench.carryOut({ kind: "ListBranches", repository: r.dir, prefix: "" }), { code: "forbidden" });
  assert.deepEqual(asked, [r.dir]);
  // The directory is allowed, the repository that it lies in is not.
  const inner = join(r.dir, "allowed");
  await mkdir(inner);
  await assert.rejects(bench.carryOut({ kind: "ListBranches", repository: inner, prefix: "" }), { code: "forbidden" });
  await using outside = await openOperations();
  const { root, dir } = outside.repository;
  for (const repository of [root, join(root, "nowhere"), join(dir, ".git")]) {
    const order = { kind: "ListBranches", repository, prefix: "" } as const;
    await assert.rejects(outside.carryOut(order), { code: "repository_invalid" }, repository);
  }
});

interface Held {
  /** How many are held at this moment, and how many were at most. */
  waiting: number;
  most: number;
  pass(): Promise<void>;
  /** Lets everybody pass from now on. */
  open(): void;
}

function held(): Held {
  const opened = Promise.withResolvers<void>();
  const gate: Held = {
    waiting: 0,
    most: 0,
    pass: async () => {
      gate.waiting += 1;
      gate.most = Math.max(gate.most, gate.waiting);
      await opened.promise;
      gate.waiting -= 1;
    },
    open: () => opened.resolve(),
  };
  return gate;
}

/** Operations whose git stops at the gate before one of its commands. */
async function openHeld(gate: Held, command: string): Promise<OperationsBench> {
  let real: Git | null = null;
  const git: Git = async (at, args, options) => {
    if (args[0] === command) await gate.pass();
    if (real === null) throw new Error("the repository is there first");
    return real(at, args, options);
  };
  const bench = await openOperations({ git });
  real = createGit(bench.repository.environment);
  return bench;
}
