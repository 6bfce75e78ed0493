import assert from "node:assert/strict";
import { link, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { NEVER } from "../../../test/support/worktrees.ts";
import { runCommand } from "../../platform/process/command.ts";
import { diskUsage } from "./disk-usage.ts";

test("the usage of a disk is du's: names of one file count once, and no link is followed", async () => {
  await using tree = await openTree();
  const { dir } = tree;
  for (const path of ["a/b", "c"]) await mkdir(join(dir, path), { recursive: true });
  await writeFile(join(dir, "a", "file"), Buffer.alloc(100_000, 1));
  await writeFile(join(dir, "big"), Buffer.alloc(300_000, 1));
  await link(join(dir, "big"), join(dir, "c", "again"));
  await symlink("/usr", join(dir, "elsewhere"));
  await symlink("a", join(dir, "loop"));
  const later = Date.UTC(2040, 0, 1);
  await utimes(join(dir, "a", "file"), later / 1000, later / 1000);
  const { stdout } = await runCommand(["du", "--summarize", "--block-size=1", dir], {
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "" },
    timeoutMs: 60_000,
    maxOutputBytes: 1_000,
  });
  const usage = await diskUsage(dir, NEVER);
  assert.equal(usage.bytes, Number.parseInt(stdout.toString(), 10));
  assert.equal(usage.changedAt, later);
});

test("the usage of a disk is nothing where there is nothing, and what is being measured can be given up", async () => {
  await using tree = await openTree();
  assert.deepEqual(await diskUsage(join(tree.dir, "missing"), NEVER), { bytes: 0, changedAt: 0 });
  await writeFile(join(tree.dir, "file"), "x");
  await assert.rejects(diskUsage(tree.dir, AbortSignal.abort(new Error("enough"))), /enough/);
});

async function openTree() {
  const dir = await mkdtemp(join(tmpdir(), "makima-du-"));
  return { dir, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}
