import { randomUUID } from "node:crypto";
import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { isErrno } from "../../platform/files.ts";
import { removeTree } from "../checkout/remove-tree.ts";
import { trashIn } from "../checkout/remove.ts";

/**
 * Deletes what removals that were killed have left in the trash of the directory `root`. Each piece is first given a name
 * that no removal uses: one that is at work now must not find what it deletes deleted under its hands. What cannot be
 * deleted keeps nothing else from it; throws then, at the end.
 */
export async function emptyTrash(root: string, closing: AbortSignal): Promise<void> {
  const trash = await trashIn(root);
  const failures: unknown[] = [];
  for (const name of await namesIn(trash)) {
    closing.throwIfAborted();
    const aside = join(trash, `.${randomUUID()}`);
    try {
      if (await move(join(trash, name), aside)) await removeTree(aside);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} of what is in ${trash} stays`);
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
}

/** false: its removal has just deleted it. */
async function move(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}
