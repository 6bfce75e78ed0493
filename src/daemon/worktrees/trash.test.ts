import assert from "node:assert/strict";
import { chmod, chown, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { emptyTrash } from "./trash.ts";

const NOBODY = 65_534;
const skip = process.geteuid?.() === 0 ? false : "only root can make files of another user";

test("the trash is emptied but for what cannot be deleted, wherever that lies in it", { skip }, async () => {
  const root = await mkdtemp(join(tmpdir(), "makima-trash-"));
  try {
    const trash = join(root, ".trash");
    for (const name of ["a", "b", "c", "d"]) await mkdir(join(trash, name, "inner"), { recursive: true });
    for (const path of [root, trash, ...(await readdir(trash)).map((name) => join(trash, name))]) {
      await chmod(path, 0o755);
      await chown(path, NOBODY, NOBODY);
    }
    // Whichever comes first in the order of the directory: of all but one, what is inside is somebody else's.
    const [, ...others] = (await readdir(trash)).toReversed();
    for (const name of others) await mkdir(join(trash, name, "inner", "theirs"));
    await asNobody(() => assert.rejects(emptyTrash(root, new AbortController().signal), /3 of what is in .* stays/));
    assert.equal((await readdir(trash)).length, 3);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

async function asNobody(act: () => Promise<void>): Promise<void> {
  process.seteuid?.(NOBODY);
  try {
    await act();
  } finally {
    process.seteuid?.(0);
  }
}
