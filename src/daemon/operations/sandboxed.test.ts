import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  checkoutFor,
  checks,
  mergeOrder,
  openOperations,
  placeOf,
  taskWith,
} from "../../../test/support/operations.ts";
import { hashRepository, writeFiles } from "../../../test/support/repository.ts";
import { sandboxesAt } from "../../../test/support/sandboxes.ts";
import { exists } from "../../platform/files.ts";
import { bubblewrapHere } from "../../platform/sandbox/fixtures/bwrap.ts";

const { missing: skip } = await bubblewrapHere();

test(
  "operations on a sandboxed task see what is in its clone, committed or not, although the repository has none of it",
  { skip },
  async () => {
    await using bench = await openOperations();
    const { repository: r } = bench;
    const place = placeOf(r);
    const { dir } = await checkoutFor(r, place, "clone");
    await writeFiles(dir, { "b.txt": "two\n" });
    r.run(dir, "add", "--all");
    r.run(dir, "commit", "--quiet", "--message=Only here");
    await writeFiles(dir, { "a.txt": "three\n" });
    const diff = await bench.carryOut({ kind: "GetDiff", place, stat: false });
    assert.deepEqual(
      diff.files.map(({ path, status }) => [path, status]),
      [
        ["a.txt", "modified"],
        ["b.txt", "added"],
      ],
    );
    assert.match(Buffer.from(diff.diff ?? "", "base64").toString(), /\+three/);
    const read = async (path: string, ref: string | null) => {
      const { content } = await bench.carryOut({ kind: "ReadFile", place, path, ref });
      return Buffer.from(content, "base64").toString();
    };
    assert.deepEqual(await Promise.all([read("a.txt", null), read("b.txt", "HEAD"), read("a.txt", "main")]), [
      "three\n",
      "two\n",
      "one\n",
    ]);
  },
);

test("operations on a sandboxed task keep its state in the repository, and bring it back", { skip }, async () => {
  await using bench = await openOperations({ files: { "a.txt": "one\n", ".gitignore": "*.log\n" } });
  const { repository: r } = bench;
  const before = await hashRepository(r.dir);
  const place = placeOf(r);
  const { dir } = await checkoutFor(r, place, "clone");
  await writeFiles(dir, { "a.txt": "good\n", "new.txt": "n\n" });
  const made = await bench.carryOut({ kind: "CreateCheckpoint", place, name: "good", message: "Good" });
  assert.equal(r.run(r.dir, "show", `${made.commit}:new.txt`), "n");
  await writeFiles(dir, { "a.txt": "bad\n" });
  await rm(join(dir, "new.txt"));
  r.run(dir, "commit", "--quiet", "--all", "--message=Bad");
  await rm(join(dir, ".git", "HEAD"));
  const order = { kind: "RestoreCheckpoint", place, commit: made.commit, save: "bad" } as const;
  const { saved } = await bench.carryOut(order);
  assert.equal(await readFile(join(dir, "a.txt"), "utf8"), "good\n");
  assert.equal(await readFile(join(dir, "new.txt"), "utf8"), "n\n");
  assert.equal(r.run(r.dir, "show", `${saved?.commit}:a.txt`), "bad");
  assert.equal(await hashRepository(r.dir), before);
});

test(
  "operations on a sandboxed task check a merge in a clone that is thrown away, where nothing else can be written",
  { skip },
  async () => {
    await using bench = await openOperations();
    const { repository: r } = bench;
    const mark = join(r.root, "escaped");
    // A filter of the person's, which is a script in the tree.
    r.run(r.dir, "config", "filter.x.smudge", "sh a.sh");
    const files = { ".gitattributes": "*.txt filter=x\n", "a.sh": `touch "${mark}"; cat\n`, "b.txt": "two\n" };
    const place = { ...(await taskWith(r, files)), bubblewrap: true };
    const commands = [
      `touch "${mark}"; touch "${r.commonDir}/config.lock"; git commit --quiet --allow-empty --message=Moved`,
      "echo changed >a.txt; git config core.fsmonitor 'touch ran'; test -f b.txt",
      'test "$(cat a.txt)" = one && test "$(git log -1 --format=%s)" = "Merge it"',
    ];
    const merged = await bench.carryOut(mergeOrder(place, { checks: checks(...commands), message: "Merge it" }));
    assert.deepEqual(
      merged.checks.map(({ passed, flags }) => [passed, flags.map((flag) => flag.kind)]),
      [
        [false, ["check-moved-head"]],
        [true, ["check-changed-files"]],
        [true, []],
      ],
    );
    assert.deepEqual([await exists(mark), await exists(join(r.commonDir, "config.lock"))], [false, false]);
    assert.equal(await exists(join(r.commonDir, "worktrees")), false);
  },
);

test("a merge that is to be checked in a sandbox is refused where there is none", async () => {
  const bare = { worktrees: "/nowhere", environment: { PATH: "/nowhere" } };
  await using bench = await openOperations({ sandboxes: sandboxesAt(bare) });
  const place = { ...(await taskWith(bench.repository, { "b.txt": "two\n" })), bubblewrap: true };
  const order = mergeOrder(place, { checks: checks("true") });
  await assert.rejects(bench.carryOut(order), { code: "sandbox_unavailable" });
});
