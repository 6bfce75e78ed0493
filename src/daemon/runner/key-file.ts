import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ensurePrivateDir } from "../../platform/files.ts";

type Variables = Record<string, string>;

/**
 * Takes an agent's key out of its environment, which all of its tools see, and puts it into a file that the agent removes
 * when it has read it: no tool is called before the first answer of a model, which takes the key. `variable` holds the key;
 * null, or one that is not set: there is nothing to take out. `dir`: the iteration's directory.
 */
export async function moveKeyToFile(
  env: Variables,
  variable: string | null,
  dir: string,
): Promise<{ env: Variables; keyFile: string | null }> {
  const key = variable === null ? undefined : env[variable];
  if (variable === null || key === undefined) return { env, keyFile: null };
  const { [variable]: _, ...others } = env;
  // A directory of its own: a sandboxed agent must be able to remove the file, and nothing else.
  await ensurePrivateDir(directoryIn(dir));
  const keyFile = join(directoryIn(dir), "key");
  await writeFile(keyFile, key, { mode: 0o600 });
  return { env: others, keyFile };
}

/** Removes the key of an agent that has ended, in case it has not done so. */
export async function removeKeyFile(dir: string): Promise<void> {
  await rm(directoryIn(dir), { recursive: true, force: true });
}

function directoryIn(dir: string): string {
  return join(dir, "key");
}
