import type { Store, Write } from "../db/store.ts";
import { notifyDaemonLost } from "../notifications/occasions.ts";
import { requeueTask } from "../tasks/requeue.ts";
import type { Sighting } from "./policy.ts";

/**
 * Takes the tasks from a lost daemon, each in a transaction of its own, for there may be many. Ends where the daemon has
 * come back meanwhile, or another server has done it. Gives how many tasks it took.
 *
 * No connection of the daemon misses this: none holds its identity while it is offline, and whichever gets it later
 * proves the daemon's claims afterwards, and tells it which are fenced.
 */
export async function requeueLost(store: Store, daemon: Sighting): Promise<number> {
  const held = await store.db
    .selectFrom("runs")
    .select(["id", "task_id as taskId"])
    .where("daemon_id", "=", daemon.daemonId)
    .where("ended_at", "is", null)
    .execute();
  let requeued = 0;
  for (const run of held) {
    if (!(await store.write((tx) => requeueIfLost(tx, daemon, run)))) break;
    requeued += 1;
  }
  return requeued;
}

async function requeueIfLost(
  tx: Write,
  { daemonId, lastSeenAt }: Sighting,
  run: { id: string; taskId: string },
): Promise<boolean> {
  const lost = await tx.db
    .selectFrom("runs")
    .innerJoin("daemons", "daemons.id", "runs.daemon_id")
    .select(["daemons.name", "daemons.host"])
    .where("runs.id", "=", run.id)
    .where("runs.ended_at", "is", null)
    .where("daemons.id", "=", daemonId)
    .where("daemons.online", "=", 0)
    .where("daemons.last_seen_at", "=", lastSeenAt)
    .executeTakeFirst();
  if (lost === undefined) return false;
  const since = new Date(lastSeenAt).toISOString();
  await requeueTask(tx, run.taskId, `The daemon ${lost.name} on ${lost.host} has not been seen since ${since}`);
  await notifyDaemonLost(tx, daemonId);
  return true;
}
