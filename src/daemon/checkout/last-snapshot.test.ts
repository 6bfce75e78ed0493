import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeCheckout, openTestRepository, writeFiles } from "../../../test/support/repository.ts";
import type { TestRepository } from "../../../test/support/repository.ts";
import { exists } from "../../platform/files.ts";
import { bubblewrapHere } from "../../platform/sandbox/fixtures/bwrap.ts";
import { removeCheckout } from "./remove.ts";

const { missing } = await bubblewrapHere();
const salvageRef = "refs/makima/salvage/task-1/checkout";

for (const kind of ["worktree", "clone"] as const) {
  const skip = kind === "clone" && missing;

  test(`what git was told to overlook in a ${kind} is kept`, { skip }, async () => {
    await using r = await openTestRepository({ "assumed.txt": "1\n", "skipped.txt": "1\n", "line\nbreak": "1\n" });
    const { dir } = await makeCheckout(r, { kind });
    r.run(dir, "update-index", "--assume-unchanged", "assumed.txt", "line\nbreak");
    r.run(dir, "update-index", "--skip-worktree", "skipped.txt");
    await Promise.all(["assumed.txt", "skipped.txt", "line\nbreak"].map((name) => writeFile(join(dir, name), "2\n")));
    const { salvage } = await removeCheckout(r.git, dir, { deleteBranch: "keep" });
    assert.equal(salvage, salvageRef);
    const kept = ["assumed.txt", "skipped.txt", "line\nbreak"].map((name) =>
      r.run(r.dir, "show", `${salvage}:${name}`),
    );
    assert.deepEqual(kept, ["2", "2", "2"]);
  });

  test(`what a ${kind} leaves out on purpose is not taken for deleted`, { skip }, async () => {
    await using r = await openTestRepository();
    const { dir } = await makeCheckout(r, { kind });
    r.run(dir, "update-index", "--skip-worktree", "a.txt");
    await rm(join(dir, "a.txt"));
    assert.equal((await removeCheckout(r.git, dir, { deleteBranch: "keep" })).salvage, null);
  });

  test(`what lies outside of a sparse ${kind} is kept`, { skip }, async () => {
    await using r = await openTestRepository({ "in/a.txt": "1\n", "out/b.txt": "1\n", "out/c.txt": "1\n" });
    const { dir } = await makeCheckout(r, { kind });
    r.run(dir, "sparse-checkout", "set", "in");
    await writeFiles(dir, { "out/b.txt": "2\n", "out/new.txt": "2\n" });
    const { salvage } = await removeCheckout(r.git, dir, { deleteBranch: "keep" });
    const changes = r.run(r.dir, "diff", "--name-status", r.base, salvage ?? "", "--");
    assert.equal(changes, "M\tout/b.txt\nA\tout/new.txt");
  });

  test(`a repository inside a ${kind} stays when its commit is recorded, too`, { skip }, async () => {
    await using r = await openTestRepository();
    const { dir } = await makeCheckout(r, { kind });
    const inner = join(dir, "inner");
    r.run(dir, "init", "--quiet", inner);
    await writeFile(join(inner, "file"), "x\n");
    commitAll(r, inner);
    commitAll(r, dir);
    await assert.rejects(removeCheckout(r.git, dir, { deleteBranch: "keep" }), { message: /\(inner\)/ });
    assert.equal(await readFile(join(inner, "file"), "utf8"), "x\n");
  });

  test(`a submodule of a ${kind} goes with it, unless it holds work`, { skip }, async () => {
    await using other = await openTestRepository();
    await using r = await openTestRepository();
    r.run(r.dir, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other.dir, "sub");
    commitAll(r, r.dir);
    const baseCommit = r.run(r.dir, "rev-parse", "HEAD");
    const { dir } = await makeCheckout(r, { kind, baseCommit });
    const sub = join(dir, "sub");
    r.run(dir, "-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init");
    const refused = () => assert.rejects(removeCheckout(r.git, dir, { deleteBranch: "keep" }), { message: /\(sub\)/ });

    await writeFile(join(sub, "a.txt"), "changed\n");
    await refused();
    r.run(sub, "stash", "--quiet");
    await refused();
    r.run(sub, "stash", "drop", "--quiet");
    commitAll(r, sub);
    commitAll(r, dir);
    await refused();
    r.run(sub, "reset", "--quiet", "--hard", "origin/HEAD");
    commitAll(r, dir);
    assert.equal((await removeCheckout(r.git, dir, { deleteBranch: "keep" })).salvage, null);
    assert.equal(await exists(dir), false);
  });
}

function commitAll(r: TestRepository, dir: string): void {
  r.run(dir, "add", "--all");
  r.run(dir, "commit", "--quiet", "--allow-empty", "--message=Work");
}
