import assert from "node:assert/strict";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { hashRepository, makeCheckout, openTestRepository, writeFiles } from "../../../test/support/repository.ts";
import { finalCommit } from "./final-commit.ts";

const branch = "makima/goal/task-1";
const salvage = "refs/makima/salvage/task-1/checkout";
const message = "Mend it\n";

test("what was left uncommitted becomes one commit by the person, and the checkout is clean", async () => {
  await using r = await openTestRepository({ "a.txt": "one\n", "gone.txt": "g\n" });
  const before = await hashRepository(r.dir);
  const checkout = await makeCheckout(r);
  const { dir } = checkout;
  await writeFiles(dir, { "a.txt": "two\n", "staged.txt": "s\n", "new.txt": "n\n" });
  r.run(dir, "add", "staged.txt");
  await rm(join(dir, "gone.txt"));
  const done = await finalCommit(r.git, checkout, { message });
  assert.deepEqual(done, { head: r.run(r.dir, "rev-parse", branch), commit: done.head, strayed: null, salvage: null });
  assert.equal(r.run(dir, "status", "--porcelain"), "");
  assert.equal(
    r.run(dir, "show", "--format=%an <%ae> %s %P", "--name-status"),
    [`Ada <ada@example.com> Mend it ${r.base}\n`, "M\ta.txt\nD\tgone.txt\nA\tnew.txt\nA\tstaged.txt"].join("\n"),
  );
  assert.deepEqual(await finalCommit(r.git, checkout, { message }), { ...done, commit: null });
  assert.equal(await hashRepository(r.dir), before);
});

test("work that the agent committed itself is left as it is", async () => {
  await using r = await openTestRepository();
  const checkout = await makeCheckout(r);
  await writeFiles(checkout.dir, { "new.txt": "n\n" });
  r.run(checkout.dir, "add", "--all");
  r.run(checkout.dir, "commit", "--quiet", "--message=Work");
  const head = r.run(checkout.dir, "rev-parse", "HEAD");
  assert.deepEqual(await finalCommit(r.git, checkout, { message }), {
    head,
    commit: null,
    strayed: null,
    salvage: null,
  });
});

test("the lock of a killed git does not hinder it", async () => {
  await using r = await openTestRepository();
  const checkout = await makeCheckout(r);
  await writeFiles(checkout.dir, { "new.txt": "n\n" });
  await writeFile(join(checkout.gitDir, "index.lock"), "half");
  await finalCommit(r.git, checkout, { message });
  assert.equal(r.run(checkout.dir, "status", "--porcelain"), "");
  assert.ok(!(await readdir(checkout.gitDir)).includes("index.lock"));
});

test("a detached HEAD and another branch come home when they are ahead", async () => {
  for (const [away, strayed] of [
    ["--detach", "detached"],
    ["-bmakima/other", "refs/heads/makima/other"],
  ] as const) {
    await using r = await openTestRepository();
    const checkout = await makeCheckout(r);
    r.run(checkout.dir, "checkout", "--quiet", away);
    r.run(checkout.dir, "commit", "--quiet", "--allow-empty", "--message=Away");
    await writeFiles(checkout.dir, { "new.txt": "n\n" });
    const done = await finalCommit(r.git, checkout, { message });
    assert.deepEqual([done.strayed, done.salvage, done.head], [strayed, null, done.commit]);
    assert.equal(r.run(checkout.dir, "symbolic-ref", "HEAD"), `refs/heads/${branch}`);
    assert.equal(r.run(checkout.dir, "log", "--format=%s"), "Mend it\nAway\nFirst");
    assert.equal(r.run(checkout.dir, "status", "--porcelain"), "");
  }
});

test("work that does not follow from the branch is kept aside", async () => {
  await using r = await openTestRepository();
  const checkout = await makeCheckout(r);
  const { dir } = checkout;
  r.run(dir, "commit", "--quiet", "--allow-empty", "--message=On the branch");
  const tip = r.run(dir, "rev-parse", "HEAD");
  r.run(dir, "checkout", "--quiet", "--detach", r.base);
  await writeFiles(dir, { "new.txt": "n\n" });
  const done = await finalCommit(r.git, checkout, { message });
  assert.deepEqual([done.head, done.strayed, done.salvage], [tip, "detached", salvage]);
  assert.equal(r.run(r.dir, "rev-parse", salvage), done.commit);
  assert.equal(r.run(r.dir, "show", `${salvage}:new.txt`), "n");
  assert.equal(r.run(r.dir, "rev-parse", branch), tip);
});

test("a branch that the agent deleted is there again", async () => {
  await using r = await openTestRepository();
  const checkout = await makeCheckout(r);
  await writeFiles(checkout.dir, { "new.txt": "n\n" });
  r.run(checkout.dir, "update-ref", "-d", `refs/heads/${branch}`);
  const done = await finalCommit(r.git, checkout, { message });
  assert.equal(r.run(r.dir, "rev-parse", branch), done.commit);
  assert.equal(r.run(r.dir, "rev-parse", `${branch}^`), r.base);
  r.run(checkout.dir, "checkout", "--quiet", "--orphan", "fresh");
  r.run(checkout.dir, "commit", "--quiet", "--message=No history");
  r.run(checkout.dir, "branch", "--quiet", "-D", branch);
  const orphan = await finalCommit(r.git, checkout, { message });
  assert.deepEqual(orphan, { head: r.base, commit: null, strayed: "refs/heads/fresh", salvage });
});

test("without an identity the commit is makima's own", async () => {
  await using r = await openTestRepository();
  const checkout = await makeCheckout(r);
  await writeFile(join(r.root, ".gitconfig"), "");
  await writeFiles(checkout.dir, { "new.txt": "n\n" });
  await finalCommit(r.git, checkout, { message });
  assert.equal(r.run(r.dir, "log", "-1", "--format=%an <%ae>", branch), "makima <makima@localhost>");
});
