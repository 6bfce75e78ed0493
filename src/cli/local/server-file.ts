import { readFile } from "node:fs/promises";
import type { Endpoint } from "../../client/client.ts";
import type { Paths } from "../../platform/config/paths.ts";
import { isErrno, readJson, writeAtomic } from "../../platform/files.ts";

/** What a running local server says of itself in server.json; the file is gone when it has ended in good order. */
export interface ServerFile {
  pid: number;
  url: string;
  version: string;
  /** Epoch ms. */
  startedAt: number;
}

export async function writeServerFile(paths: Paths, content: ServerFile): Promise<void> {
  await writeAtomic(paths.serverJson, `${JSON.stringify(content)}\n`);
}

/** null when there is none. After a `kill -9` it may tell of a server that is gone: only its lock proves it alive. */
export async function readServerFile(paths: Paths): Promise<ServerFile | null> {
  const content = await readJson(paths.serverJson);
  return isServerFile(content) ? content : null;
}

/** Where the local server is, or last was, and the person's key to it; null when there never was one. */
export async function localEndpoint(paths: Paths): Promise<Endpoint | null> {
  const file = await readServerFile(paths);
  if (file === null) return null;
  try {
    return { url: file.url, key: (await readFile(paths.userKey, "utf8")).trim() };
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw error;
  }
}

function isServerFile(value: unknown): value is ServerFile {
  if (typeof value !== "object" || value === null) return false;
  const { pid, url, version, startedAt } = value as Record<string, unknown>;
  return (
    typeof pid === "number" && typeof url === "string" && typeof version === "string" && typeof startedAt === "number"
  );
}
