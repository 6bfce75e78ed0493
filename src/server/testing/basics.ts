import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../platform/clock.ts";
import { createLogger } from "../../platform/log.ts";
import { Store } from "../db/store.ts";
import { beginDatabase } from "./sqlite.ts";

export const silent = createLogger({ level: "silent", format: "json", stream: { write: () => undefined } });

/** A temporary directory that goes away with its scope. */
export async function temporaryHome(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "makima-server-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A store on a real file. */
export async function openStore(home: string): Promise<Store> {
  const path = join(home, "makima.db");
  await beginDatabase(path);
  return Store.open({ kind: "sqlite", path }, systemClock, silent);
}

/** Long enough for a machine under load; what holds holds after a fraction of it (ms). */
const WITHIN = 60_000;

/** Resolves once `condition` holds; what it waits for must come from elsewhere. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WITHIN;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`the condition did not come true within ${WITHIN} ms`);
    await systemClock.sleep(10);
  }
}
