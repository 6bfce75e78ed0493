import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTestRepository, writeFiles } from "../../../test/support/repository.ts";
import { exists } from "../files.ts";
import { bubblewrapHere } from "../sandbox/fixtures/bwrap.ts";
import { prepareSandbox } from "../sandbox/prepare.ts";
import { createGit } from "./git.ts";
import type { Confine } from "./git.ts";
import { readHead, readRef } from "./refs.ts";

const { bwrap, missing: skip } = await bubblewrapHere();

/** Confines to a directory, and shows nothing else of what lies below /tmp but `exposed`. */
function confineTo(exposed: readonly string[]): Confine {
  const lists = { writable: [], exposed, hidden: [], scratch: [], readonly: [], overlays: [], extraArgs: [] };
  return (dir) => prepareSandbox(bwrap ?? "", { ...lists, dir, tmpBytes: 1e6, network: "none" });
}

test("what is to be confined is refused where nothing confines it", async () => {
  await using r = await openTestRepository();
  const git = createGit(r.environment);
  await assert.rejects(git({ cwd: r.dir, confinedTo: r.dir }, ["status"]), { code: "sandbox_unavailable" });
  const source = { dir: r.dir, shallowFile: "/nowhere" };
  await assert.rejects(git({ cwd: r.dir }, ["fetch", r.dir], { source }), { code: "sandbox_unavailable" });
});

test("a sandbox that does not start is no answer of git's", { skip }, async () => {
  await using r = await openTestRepository();
  const broken = createGit(r.environment, async () => [bwrap ?? "", "--ro-bind", "/nowhere", "/", "--"]);
  // Both commands give an answer by an exit code of 1.
  const at = { cwd: r.dir, confinedTo: r.dir };
  await assert.rejects(readRef(broken, at, "refs/heads/main"), { code: "sandbox_unavailable" });
  await assert.rejects(broken(at, ["add", "--all"], { accept: [1] }), { code: "sandbox_unavailable" });
  const gone = createGit(r.environment, async () => ["/nowhere/bwrap"]);
  await assert.rejects(gone(at, ["status"]), { code: "sandbox_unavailable" });
});

test("a confined filter writes into the directory and nowhere else", { skip }, async () => {
  await using r = await openTestRepository({ "a.txt": "one\n", ".gitattributes": "* filter=trap\n" });
  const [inside, outside] = [join(r.dir, "inside"), join(r.root, "outside")];
  r.run(r.dir, "config", "filter.trap.clean", `sh -c 'touch ${inside}; touch ${outside}; cat'`);
  const git = createGit(r.environment, confineTo([r.root]));
  await writeFiles(r.dir, { "a.txt": "two\n" });
  await git({ cwd: r.dir, confinedTo: r.dir }, ["add", "--all"]);
  assert.deepEqual(await Promise.all([inside, outside].map(exists)), [true, false]);
});

test("a fetch from a confined checkout works with whatever its path holds", { skip }, async () => {
  await using r = await openTestRepository();
  const git = createGit(r.environment, confineTo([r.root]));
  for (const name of ['it\'s "odd" $(touch x)', "grün 日本", "--upload-pack=x", "a:b"]) {
    const dir = join(r.root, "clones", name);
    await mkdir(dir, { recursive: true });
    r.run(r.root, "clone", "--quiet", "--shared", r.dir, join(dir, "."));
    r.run(dir, "commit", "--quiet", "--allow-empty", `--message=${name}`);
    const commit = r.run(dir, "rev-parse", "HEAD");
    // On no branch any more.
    r.run(dir, "reset", "--quiet", "--hard", r.base);
    const source = { dir, shallowFile: join(r.commonDir, "shallow") };
    const args = ["fetch", "--quiet", "--no-write-fetch-head", "--", dir, commit];
    await git({ cwd: r.dir }, args, { source, config: ["protocol.version=2"] });
    assert.equal(r.run(r.dir, "log", "-1", "--format=%s", commit), name);
  }
  assert.equal(r.run(r.dir, "status", "--porcelain"), "");
});

test("HEAD of a confined checkout is read without following it out of there", { skip }, async () => {
  await using r = await openTestRepository();
  const calls: string[][] = [];
  const git = createGit(r.environment, confineTo([r.root]));
  const at = { cwd: r.dir, gitDir: r.commonDir, commonDir: r.commonDir, confinedTo: r.dir };
  const counting: typeof git = (where, args, options) => {
    calls.push([...args]);
    return git(where, args, options);
  };
  assert.deepEqual(await readHead(counting, at), { commit: r.base, ref: "refs/heads/main" });
  assert.deepEqual(calls, [], "files are enough");
  await writeFile(join(r.root, "elsewhere"), `${"1".repeat(40)}\n`);
  await writeFile(join(r.commonDir, "HEAD"), "ref: refs/heads/../../../../elsewhere\n");
  await assert.rejects(readHead(counting, at), { code: "git_failed" });
});
