import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { exists, isErrno } from "../../platform/files.ts";
import { openInside } from "../../platform/open-inside.ts";
import type { Checkout } from "./checkout.ts";

/**
 * Brings the contents that Git LFS keeps beside a clone's commits (`lfs/objects/<2>/<2>/<SHA-256>`) into the repository,
 * where a commit holds only their names. What is not what its name says, or leads out of the clone, is left where it is.
 */
export async function importLargeFiles({ dir, gitDir, commonDir }: Checkout): Promise<void> {
  for await (const path of largeFiles(gitDir)) {
    const target = join(commonDir, path);
    if (await exists(target)) continue;
    const opened = await openInside(dir, relative(dir, join(gitDir, path)));
    if (typeof opened === "string") continue;
    await using file = opened;
    await take(file, { commonDir, target });
  }
}

async function* largeFiles(gitDir: string): AsyncGenerator<string> {
  const root = join("lfs", "objects");
  for (const first of await namesIn(join(gitDir, root), /^[0-9a-f]{2}$/)) {
    for (const second of await namesIn(join(gitDir, root, first), /^[0-9a-f]{2}$/)) {
      const place = join(root, first, second);
      const names = await namesIn(join(gitDir, place), new RegExp(`^${first}${second}[0-9a-f]{60}$`));
      for (const name of names) yield join(place, name);
    }
  }
}

async function namesIn(directory: string, pattern: RegExp): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => pattern.test(name));
  } catch (error) {
    if (NO_DIRECTORY.some((code) => isErrno(error, code))) return [];
    throw error;
  }
}

/** Nothing there, or nothing that can be looked into. */
const NO_DIRECTORY = ["ENOENT", "ENOTDIR", "ELOOP", "EACCES"];

/** Under its name only once it is whole and proven. */
async function take(file: FileHandle, { commonDir, target }: { commonDir: string; target: string }): Promise<void> {
  const name = basename(target);
  // Where Git LFS has its own, under such a name: what a killed daemon leaves, it clears away.
  const partial = join(commonDir, "lfs", "tmp", `${name}-${randomUUID()}`);
  for (const path of [partial, target]) await mkdir(dirname(path), { recursive: true });
  try {
    const hash = createHash("sha256");
    const source = file.createReadStream({ autoClose: false });
    source.on("data", (chunk) => hash.update(chunk));
    await pipeline(source, createWriteStream(partial, { flags: "wx", flush: true }));
    if (hash.digest("hex") === name) await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
}
