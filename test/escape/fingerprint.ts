import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

/** Path -> what is there. */
export type Fingerprint = ReadonlyMap<string, string>;

/** Of everything below `root`, but for what is at or below one of `except`: absolute paths. */
export async function fingerprintOf(root: string, except: readonly string[]): Promise<Fingerprint> {
  const found = new Map<string, string>();
  await addTo(found, root, new Set(except));
  return found;
}

/** Paths at which something was made, deleted or changed. */
export function differences(before: Fingerprint, after: Fingerprint): string[] {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path));
}

async function addTo(found: Map<string, string>, path: string, except: ReadonlySet<string>): Promise<void> {
  if (except.has(path)) return;
  const stats = await lstat(path);
  const content = stats.isFile() ? await readFile(path) : stats.isSymbolicLink() ? await readlink(path) : "";
  const hash = createHash("sha256").update(content).digest("hex");
  // Of a directory not what changes when something is made below it that is taken for an exception.
  const times = stats.isDirectory() ? [] : [stats.mtimeMs, stats.nlink];
  found.set(path, [stats.mode, stats.uid, stats.gid, ...times, hash].join(" "));
  if (!stats.isDirectory()) return;
  for (const name of await readdir(path)) await addTo(found, join(path, name), except);
}
