import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { isErrno, writeAtomic } from "../../platform/files.ts";
import type { Store } from "../db/store.ts";
import { authenticate, localName, replaceLocalKey } from "./keys.ts";
import { newToken } from "./tokens.ts";

/**
 * The key that this machine's user or daemon finds in a file (mode 0600). A file that is missing, or holds a key that
 * is not valid, gets a new key; the lost one stops working.
 */
export async function ensureKeyFile(store: Store, path: string, kind: "user" | "daemon"): Promise<string> {
  const present = await readKey(path);
  const principal = present === null ? null : await authenticate(store, present);
  if (present !== null && principal?.kind === kind) return present;
  const token = newToken(kind);
  const name = localName(store.shared ? `${hostname()}:${dirname(path)}` : null);
  // A kill between the two leaves a file with a key that is not valid, which the next start replaces.
  await writeAtomic(path, `${token}\n`);
  await store.write((tx) => replaceLocalKey(tx, { kind, name, token }));
  return token;
}

async function readKey(path: string): Promise<string | null> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw error;
  }
}
