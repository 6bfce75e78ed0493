import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { exists } from "../../platform/files.ts";
import { removeTree } from "./remove-tree.ts";

/** 30 of it are longer than the longest path (4,096 bytes). */
const NAME = "n".repeat(200);

test("deletes read-only directories and follows no link", async () => {
  const root = await mkdtemp(join(tmpdir(), "makima-tree-"));
  try {
    const outside = join(root, "outside");
    const tree = join(root, "tree");
    await mkdir(outside);
    await writeFile(join(outside, "file"), "keep me");
    await mkdir(join(tree, "inner", "deep"), { recursive: true });
    await writeFile(join(tree, "inner", "deep", "file"), "x");
    await symlink(outside, join(tree, "inner", "link"));
    const locked = ["tree/inner/deep", "tree/inner", "tree"].map((path) => join(root, path));
    for (const path of locked) await chmod(path, 0o500);
    await asOrdinaryUser([root, ...locked], () => removeTree(tree));
    assert.equal(await exists(tree), false);
    assert.equal(await readFile(join(outside, "file"), "utf8"), "keep me");
    await removeTree(tree);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test("deletes directories that are nested deeper than a path can say", async () => {
  const root = await mkdtemp(join(tmpdir(), "makima-tree-"));
  const step = `fs.mkdirSync("${NAME}"); process.chdir("${NAME}");`;
  execFileSync(process.execPath, ["--eval", `for (let i = 0; i < 30; i += 1) { ${step} }`], { cwd: root });
  await assert.rejects(rm(root, { recursive: true }), { code: "ENAMETOOLONG" });
  await removeTree(root);
  assert.equal(await exists(root), false);
});

test("changes no mode of what a link leads to that it may not delete", async () => {
  const root = await mkdtemp(join(tmpdir(), "makima-tree-"));
  try {
    const [outside, locked] = [join(root, "outside"), join(root, "locked")];
    await mkdir(join(outside, "inner"), { recursive: true });
    await mkdir(locked);
    await symlink(outside, join(locked, "link"));
    const paths = [outside, join(outside, "inner")];
    for (const path of [...paths, locked]) await chmod(path, 0o555);
    await asOrdinaryUser([root, ...paths, locked], async () => {
      await assert.rejects(removeTree(join(locked, "link")), { code: "EACCES" });
    });
    const modes = await Promise.all(paths.map(async (path) => (await stat(path)).mode & 0o777));
    assert.deepEqual(modes, [0o555, 0o555]);
  } finally {
    await removeTree(root);
  }
});

/** Permissions do not hold root back: a test that runs as root borrows another user's id. */
async function asOrdinaryUser(owned: string[], act: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return act();
  const nobody = 65_534;
  for (const path of owned) await chown(path, nobody, nobody);
  process.seteuid?.(nobody);
  try {
    await act();
  } finally {
    process.seteuid?.(0);
  }
}
