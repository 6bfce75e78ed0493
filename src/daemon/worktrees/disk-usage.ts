import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";

/** What a tree takes on its disk, and when the newest of its files and directories was changed (epoch ms). */
export interface DiskUsage {
  bytes: number;
  changedAt: number;
}

/** Looks at a time: two leave half of Node's threads to whoever has work to do. */
const AT_ONCE = 2;

/** Bytes of the unit in which the kernel counts what is allocated. */
const BLOCK = 512;

/**
 * The allocated size of everything at `path`, as `du -x` has it: a file with several names counts once, a symbolic link
 * is not followed, another file system not entered. What vanishes meanwhile, or cannot be read, counts nothing.
 */
export async function diskUsage(path: string, signal: AbortSignal): Promise<DiskUsage> {
  const walk: Walk = { bytes: 0, changedAt: 0, device: null, linked: new Set(), directories: [] };
  await look(walk, path);
  for (let dir = walk.directories.pop(); dir !== undefined; dir = walk.directories.pop()) {
    const parent = dir;
    for await (const names of namesIn(parent)) {
      signal.throwIfAborted();
      await Promise.all(names.map((name) => look(walk, join(parent, name))));
    }
  }
  return { bytes: walk.bytes, changedAt: Math.round(walk.changedAt) };
}

interface Walk extends DiskUsage {
  /** null before the first look. */
  device: number | null;
  /** Inodes of files with several names that were counted. */
  linked: Set<number>;
  /** Still to be read. */
  directories: string[];
}

/** Never the whole directory at once: it may hold millions. */
async function* namesIn(dir: string): AsyncGenerator<string[]> {
  try {
    let names: string[] = [];
    for await (const { name } of await opendir(dir)) {
      names.push(name);
      if (names.length < AT_ONCE) continue;
      yield names;
      names = [];
    }
    yield names;
  } catch {
    // Gone, or closed to us.
  }
}

async function look(walk: Walk, path: string): Promise<void> {
  const stats = await lstat(path).catch(() => null);
  if (stats === null) return;
  walk.device ??= stats.dev;
  if (stats.dev !== walk.device) return;
  if (stats.nlink > 1 && !stats.isDirectory()) {
    if (walk.linked.has(stats.ino)) return;
    walk.linked.add(stats.ino);
  }
  walk.bytes += stats.blocks * BLOCK;
  walk.changedAt = Math.max(walk.changedAt, stats.mtimeMs);
  if (stats.isDirectory()) walk.directories.push(path);
}
