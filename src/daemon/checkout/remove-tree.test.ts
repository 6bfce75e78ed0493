import assert from "node:assert/strict";
import { chmod, chown, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { exists } from "../../platform/files.ts";
import { removeTree } from "./remove-tree.ts";

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
