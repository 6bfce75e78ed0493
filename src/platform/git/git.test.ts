import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTestRepository } from "../../../test/support/repository.ts";
import { exists } from "../files.ts";
import { createGit, textOf } from "./git.ts";

test("nothing of the caller's git environment reaches git", async () => {
  await using r = await openTestRepository();
  const stray = { GIT_DIR: "/nowhere", GIT_INDEX_FILE: "/nowhere", GIT_CONFIG_COUNT: "x", GIT_EXEC_PATH: "/nowhere" };
  const git = createGit({ ...r.environment, ...stray });
  assert.equal(textOf(await git({ cwd: r.dir }, ["rev-parse", "--show-toplevel"])), r.dir);
});

test("the person's configuration counts, the programs that a repository names do not", async () => {
  await using r = await openTestRepository();
  const trap = join(r.root, "trap");
  const script = `#!/bin/sh\ntouch ${trap}\n`;
  const hook = join(r.commonDir, "hooks", "post-checkout");
  await mkdir(join(r.commonDir, "hooks"), { recursive: true });
  await writeFile(hook, script);
  await chmod(hook, 0o755);
  r.run(r.dir, "config", "core.fsmonitor", hook);
  assert.equal(textOf(await r.git({ cwd: r.dir }, ["config", "user.name"])), "Ada");
  await r.git({ cwd: r.dir }, ["status"]);
  await r.git({ cwd: r.dir }, ["worktree", "add", "--quiet", "--detach", join(r.root, "other")]);
  assert.equal(await exists(trap), false);
});

test("a transport that runs commands is refused", async () => {
  await using r = await openTestRepository();
  const trap = join(r.root, "trap");
  r.run(r.dir, "config", "protocol.ext.allow", "always");
  await assert.rejects(r.git({ cwd: r.dir }, ["fetch", `ext::touch ${trap}`]), { code: "git_failed" });
  assert.equal(await exists(trap), false);
});

test("a failure names the command and git's own complaint", async () => {
  await using r = await openTestRepository();
  await assert.rejects(r.git({ cwd: r.dir }, ["cat-file", "blob", "HEAD:nope"]), {
    code: "git_failed",
    message: "git cat-file failed: path 'nope' does not exist in 'HEAD'",
  });
  const accepted = await r.git({ cwd: r.dir }, ["cat-file", "blob", "HEAD:nope"], { accept: [128] });
  assert.equal(accepted.exitCode, 128);
});

test("a missing git, a missing directory and too long a time are told apart", async () => {
  await using r = await openTestRepository();
  const without = createGit({ ...r.environment, PATH: r.root });
  await assert.rejects(without({ cwd: r.dir }, ["status"]), { code: "git_failed", message: "git was not found" });
  const gone = join(r.root, "gone");
  await assert.rejects(r.git({ cwd: gone }, ["status"]), { message: `The directory ${gone} is gone` });
  await writeFile(join(r.root, "git"), "#!/bin/sh\nexec /bin/sleep 60\n");
  await chmod(join(r.root, "git"), 0o755);
  await assert.rejects(without({ cwd: r.dir }, ["status"], { timeoutMs: 50 }), { message: /took longer than 0.05 s/ });
});

test("output is taken in as far as it is wanted, and a command ends when its signal aborts", async () => {
  await using r = await openTestRepository({ "a.txt": "x".repeat(100_000) });
  const show = ["cat-file", "blob", "HEAD:a.txt"];
  const cut = await r.git({ cwd: r.dir }, show, { maxBytes: 1000 });
  assert.deepEqual([cut.stdout.length, cut.truncated], [1000, true]);
  const whole = await r.git({ cwd: r.dir }, show, { maxBytes: 100_000 });
  assert.deepEqual([whole.stdout.length, whole.truncated], [100_000, false]);
  await assert.rejects(r.git({ cwd: r.dir }, ["cat-file", "blob", "HEAD:nope"], { maxBytes: 10_000 }), {
    code: "git_failed",
  });
  const closing = new AbortController();
  const endless = r.git({ cwd: r.dir }, ["cat-file", "--batch-check", "--batch-all-objects"], {
    signal: closing.signal,
  });
  closing.abort(new DOMException("Closing", "AbortError"));
  await assert.rejects(endless, { name: "AbortError" });
});
