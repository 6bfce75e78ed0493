import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { openTestRepository } from "../../../test/support/repository.ts";
import { deleteRef, isAncestor, moveRef, NO_COMMIT, readHead, readRef, requireBranchName } from "./refs.ts";

const ref = "refs/heads/task";
const message = "test";

test("a ref moves and goes only from where it is known to be", async () => {
  await using r = await openTestRepository();
  const at = { cwd: r.dir };
  r.run(r.dir, "commit", "--quiet", "--allow-empty", "--message=Second");
  const second = r.run(r.dir, "rev-parse", "HEAD");
  assert.equal(await readRef(r.git, at, ref), NO_COMMIT);
  assert.equal(await deleteRef(r.git, at, ref, r.base), false);
  assert.equal(await moveRef(r.git, at, { ref, to: r.base, from: NO_COMMIT, message }), true);
  assert.equal(await moveRef(r.git, at, { ref, to: second, from: NO_COMMIT, message }), false);
  assert.equal(await moveRef(r.git, at, { ref, to: second, from: r.base, message }), true);
  assert.equal(await moveRef(r.git, at, { ref, to: r.base, from: r.base, message }), false);
  assert.equal(await deleteRef(r.git, at, ref, r.base), false);
  assert.equal(await readRef(r.git, at, ref), second);
  assert.equal(await deleteRef(r.git, at, ref, second), true);
  assert.equal(await isAncestor(r.git, at, r.base, second), true);
  assert.equal(await isAncestor(r.git, at, second, r.base), false);
});

test("HEAD is read alike from files and by git", async () => {
  await using r = await openTestRepository();
  const pinned = { cwd: r.dir, gitDir: r.commonDir, commonDir: r.commonDir };
  const steps = [
    ["status"],
    ["pack-refs", "--all"],
    ["commit", "--quiet", "--allow-empty", "--message=Second"],
    ["checkout", "--quiet", "--detach"],
    ["checkout", "--quiet", "--orphan", "fresh"],
  ];
  for (const step of steps) {
    r.run(r.dir, ...step);
    assert.deepEqual(await readHead(r.git, pinned), await readHead(r.git, { cwd: r.dir }), step.join(" "));
  }
  assert.deepEqual(await readHead(r.git, pinned), { commit: NO_COMMIT, ref: "refs/heads/fresh" });
});

test("git takes every branch name that makima takes", async () => {
  await using r = await openTestRepository();
  const name = fc.stringMatching(/^[a-z@A-Z0-9._/ -]{1,12}$/);
  await fc.assert(
    fc.asyncProperty(name, async (branch) => {
      const accepted = accepts(branch);
      const { exitCode } = await r.git({ cwd: r.dir }, ["check-ref-format", `refs/heads/${branch}`], { accept: [1] });
      if (accepted) assert.equal(exitCode, 0);
      else assert.ok(exitCode !== 0 || /[^a-z0-9._/-]|(^|\/)-/.test(branch));
    }),
    {
      numRuns: 60,
      examples: [["a.lock/b"], ["a..b"], ["a/.b"], ["a."], ["a/"], ["/a"], ["-a"], ["a/-b"], ["@"]].map(([n]) => [
        n as string,
      ]),
    },
  );
});

function accepts(branch: string): boolean {
  try {
    requireBranchName(branch);
    return true;
  } catch {
    return false;
  }
}
