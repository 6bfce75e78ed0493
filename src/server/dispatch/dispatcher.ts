import type { Logger } from "../../platform/log.ts";
import { onlineDaemons } from "../daemons/daemons.ts";
import type { Store, Write } from "../db/store.ts";
import { DISPATCH_TOPIC } from "../db/wakeups.ts";
import { Rerun } from "../rerun.ts";
import { assign } from "./policy.ts";
import { spawnRun } from "./spawn.ts";

/** Gives pending tasks to daemons whenever a task was added, a daemon has connected or a run has ended. */
export class Dispatcher implements AsyncDisposable {
  readonly #rerun: Rerun;
  readonly #listener: Disposable;

  constructor(store: Store, apiUrl: string, log: Logger) {
    this.#rerun = new Rerun(
      () => store.write((tx) => dispatch(tx, apiUrl)),
      (error) => log.error({ err: error }, "could not hand out pending tasks"),
    );
    this.#listener = store.wakeups.listen(DISPATCH_TOPIC, () => this.#rerun.request());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener[Symbol.dispose]();
    await this.#rerun[Symbol.asyncDispose]();
  }
}

async function dispatch(tx: Write, apiUrl: string): Promise<void> {
  const daemons = await onlineDaemons(tx.db);
  const places = daemons.map(({ id, maxTasks, running }) => ({ daemonId: id, free: Math.max(0, maxTasks - running) }));
  const room = places.reduce((sum, { free }) => sum + free, 0);
  if (room === 0) return;
  for (const { taskId, daemonId } of assign(await pendingTasks(tx, room), places)) {
    await spawnRun(tx, taskId, daemonId, apiUrl);
  }
}

async function pendingTasks(tx: Write, limit: number): Promise<string[]> {
  const rows = await tx.db
    .selectFrom("tasks")
    .select("id")
    .where("status", "=", "pending")
    .orderBy("created_at")
    .orderBy("id")
    .limit(limit)
    .execute();
  return rows.map(({ id }) => id);
}
