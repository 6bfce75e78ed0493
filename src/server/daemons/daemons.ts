import type { Daemon } from "../../protocol/api.ts";
import { recordChange } from "../changes/changes.ts";
import { fromJson } from "../db/json.ts";
import type { Db, Write } from "../db/store.ts";
import { publishTask } from "../tasks/view.ts";

export async function listDaemons(db: Db): Promise<Daemon[]> {
  const rows = await selectDaemons(db).orderBy("daemons.id").execute();
  return rows.map(toDaemon);
}

/** Daemons that are connected, with the number of workers that each has at work. */
export async function onlineDaemons(db: Db): Promise<Daemon[]> {
  const rows = await selectDaemons(db).where("online", "=", 1).orderBy("daemons.id").execute();
  return rows.map(toDaemon);
}

export async function getDaemon(db: Db, id: string): Promise<Daemon> {
  return toDaemon(await selectDaemons(db).where("daemons.id", "=", id).executeTakeFirstOrThrow());
}

/** Puts the daemon as it now is into the change feed. */
export async function publishDaemon(tx: Write, id: string): Promise<void> {
  await recordChange(tx, { kind: "daemon", id, contractId: null, data: { ...(await getDaemon(tx.db, id)) } });
}

/** Puts the daemon's live tasks into the change feed, when they have become unreachable or can be reached again. */
export async function publishReachability(tx: Write, id: string): Promise<void> {
  for (const taskId of await liveTasks(tx.db, id)) await publishTask(tx, taskId);
}

async function liveTasks(db: Db, id: string): Promise<string[]> {
  const runs = await db
    .selectFrom("runs")
    .select("task_id")
    .where("daemon_id", "=", id)
    .where("ended_at", "is", null)
    .execute();
  return runs.map(({ task_id }) => task_id);
}

/** `running`: supervisors take nobody's place, and so do not count. */
function selectDaemons(db: Db) {
  return db
    .selectFrom("daemons")
    .selectAll("daemons")
    .select((eb) =>
      eb
        .selectFrom("runs")
        .innerJoin("tasks", "tasks.id", "runs.task_id")
        .select((of) => of.fn.countAll<number>().as("running"))
        .whereRef("runs.daemon_id", "=", "daemons.id")
        .where("tasks.role", "=", "worker")
        .where("runs.ended_at", "is", null)
        .as("running"),
    );
}

type DaemonRow = Awaited<ReturnType<ReturnType<typeof selectDaemons>["executeTakeFirstOrThrow"]>>;

function toDaemon(row: DaemonRow): Daemon {
  return {
    id: row.id,
    name: row.name,
    host: row.host,
    online: row.online === 1,
    maxTasks: row.max_tasks,
    labels: fromJson(row.labels),
    running: row.running ?? 0,
    worktrees: row.worktree_bytes === null ? null : { bytes: row.worktree_bytes, quota: row.worktree_quota },
    lastSeenAt: row.last_seen_at,
  };
}
