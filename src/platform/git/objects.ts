import type { Git, GitLocation } from "./git.ts";

/** Contents of blobs named by id or `commit:path` (no line breaks), in order; null for what is missing or no blob. */
export async function readBlobs(git: Git, at: GitLocation, names: readonly string[]): Promise<(Buffer | null)[]> {
  if (names.length === 0) return [];
  const { stdout } = await git(at, ["cat-file", "--batch"], { input: lines(names) });
  let position = 0;
  return names.map(() => {
    const header = readHeader(stdout, position);
    position = header.end;
    if (header.size === null) return null;
    const content = stdout.subarray(position, position + header.size);
    position += header.size + 1;
    return header.type === "blob" ? content : null;
  });
}

/** Sizes in bytes of objects named by id; null for a missing one. */
export async function readSizes(git: Git, at: GitLocation, ids: readonly string[]): Promise<(number | null)[]> {
  if (ids.length === 0) return [];
  const { stdout } = await git(at, ["cat-file", "--batch-check"], { input: lines(ids) });
  let position = 0;
  return ids.map(() => {
    const header = readHeader(stdout, position);
    position = header.end;
    return header.size;
  });
}

function lines(names: readonly string[]): string {
  return names.map((name) => `${name}\n`).join("");
}

/** `<id> SP <type> SP <size> LF`, or a line without a size (`<name> missing`). */
function readHeader(output: Buffer, start: number): { type: string; size: number | null; end: number } {
  const end = output.indexOf(0x0a, start) + 1;
  if (end === 0) throw new Error("git cat-file ended before its last answer");
  const match = /^[0-9a-f]{40,64} (\w+) (\d+)$/.exec(output.toString("latin1", start, end - 1));
  return { type: match?.[1] ?? "", size: match === null ? null : Number(match[2]), end };
}
