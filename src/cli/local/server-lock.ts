import { MakimaError } from "../../core/errors.ts";
import type { Paths } from "../../platform/config/paths.ts";
import { acquireLock } from "../../platform/lock.ts";
import type { Lock } from "../../platform/lock.ts";
import { readServerFile } from "./server-file.ts";

/** What whoever uses the local server's files alone must hold. Throws `already_running`, naming who holds it. */
export async function lockServer(paths: Paths): Promise<Lock> {
  const lock = await acquireLock(paths.serverLock);
  if (lock !== null) return lock;
  throw await alreadyRunning(paths);
}

/** Names who runs. */
export async function alreadyRunning(paths: Paths): Promise<MakimaError> {
  const other = await readServerFile(paths);
  const where = other === null ? "" : ` at ${other.url} (pid ${other.pid})`;
  return new MakimaError("already_running", `A server for ${paths.home} runs already${where}`);
}
