import type { Daemon } from "../../protocol/api.ts";
import { recordChange } from "../changes/changes.ts";
import type { Db, Write } from "../db/store.ts";
import { DISPATCH_TOPIC } from "../db/wakeups.ts";
import { publishTask } from "../tasks/view.ts";

export interface DaemonIdentity {
  id: string;
  name: string;
  host: string;
  maxTasks: number;
}

/** A daemon has connected: its tasks can be reached again, and it may take new ones. */
export async function daemonConnected(tx: Write, daemon: DaemonIdentity): Promise<void> {
  const { id, maxTasks, ...names } = daemon;
  const columns = { ...names, max_tasks: maxTasks, online: 1, last_seen_at: tx.now } as const;
  await tx.db
    .insertInto("daemons")
    .values({ id, ...columns })
    .onConflict((it) => it.column("id").doUpdateSet(columns))
    .execute();
  await publishDaemon(tx, id);
  tx.wake(DISPATCH_TOPIC);
}

/** Its link is gone. Its tasks go on, out of sight: they are marked as unreachable, and nothing else happens to them. */
export async function daemonDisconnected(tx: Write, id: string): Promise<void> {
  await tx.db.updateTable("daemons").set({ online: 0, last_seen_at: tx.now }).where("id", "=", id).execute();
  await publishDaemon(tx, id);
}

/** After a start nobody is connected yet, whatever the server that died before could still write down. */
export async function disconnectAll(tx: Write): Promise<void> {
  const online = await tx.db.selectFrom("daemons").select("id").where("online", "=", 1).execute();
  for (const { id } of online) await daemonDisconnected(tx, id);
}

export async function daemonSeen(tx: Write, id: string): Promise<void> {
  await tx.db.updateTable("daemons").set({ last_seen_at: tx.now }).where("id", "=", id).execute();
}

export async function listDaemons(db: Db): Promise<Daemon[]> {
  const rows = await selectDaemons(db).orderBy("daemons.id").execute();
  return rows.map(toDaemon);
}

/** Daemons that are connected, with the number of live runs that each has. */
export async function onlineDaemons(db: Db): Promise<Daemon[]> {
  const rows = await selectDaemons(db).where("online", "=", 1).orderBy("daemons.id").execute();
  return rows.map(toDaemon);
}

async function publishDaemon(tx: Write, id: string): Promise<void> {
  const row = await selectDaemons(tx.db).where("daemons.id", "=", id).executeTakeFirstOrThrow();
  await recordChange(tx, "daemon", id, { ...toDaemon(row) });
  const live = await tx.db
    .selectFrom("runs")
    .select("task_id")
    .where("daemon_id", "=", id)
    .where("ended_at", "is", null)
    .execute();
  for (const { task_id } of live) await publishTask(tx, task_id);
}

function selectDaemons(db: Db) {
  return db
    .selectFrom("daemons")
    .selectAll("daemons")
    .select((eb) =>
      eb
        .selectFrom("runs")
        .select((of) => of.fn.countAll<number>().as("running"))
        .whereRef("runs.daemon_id", "=", "daemons.id")
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
    running: row.running ?? 0,
    lastSeenAt: row.last_seen_at,
  };
}
