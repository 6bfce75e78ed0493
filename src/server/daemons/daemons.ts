import { MakimaError } from "../../core/errors.ts";
import type { Daemon } from "../../protocol/api.ts";
import { recordChange } from "../changes/changes.ts";
import { fromJson } from "../db/json.ts";
import type { Db, Write } from "../db/store.ts";
import { publishTask } from "../tasks/view.ts";

export async function listDaemons(db: Db): Promise<Daemon[]> {
  const rows = await selectDaemons(db).orderBy("daemons.id").execute();
  return rows.map(toDaemon);
}

/** Daemons that are connected, with the number of live runs that each has. */
export async function onlineDaemons(db: Db): Promise<Daemon[]> {
  const rows = await selectDaemons(db).where("online", "=", 1).orderBy("daemons.id").execute();
  return rows.map(toDaemon);
}

/**
 * Forgets a daemon that is offline and holds no live run, and gives what it was; otherwise throws `conflict`. Its runs
 * keep its id. Its commands go with it: each is about a run, and all of its runs have ended.
 */
export async function removeDaemon(tx: Write, id: string): Promise<Daemon> {
  const daemon = toDaemon(await selectDaemons(tx.db).where("daemons.id", "=", id).executeTakeFirstOrThrow());
  const named = `The daemon ${daemon.name} on ${daemon.host}`;
  if (daemon.online) {
    throw new MakimaError("conflict", `${named} is connected`, { hint: "Stop the daemon first." });
  }
  if (daemon.running > 0) {
    const hint = "Start the daemon again, or wait: when it stays away, its tasks go to other daemons.";
    throw new MakimaError("conflict", `${named} holds ${daemon.running} live runs`, { hint });
  }
  await tx.db.deleteFrom("commands").where("daemon_id", "=", id).execute();
  await tx.db.deleteFrom("daemons").where("id", "=", id).execute();
  await recordChange(tx, "daemon", id, { ...daemon, removed: true });
  return daemon;
}

/** Puts the daemon as it now is into the change feed. */
export async function publishDaemon(tx: Write, id: string): Promise<void> {
  const row = await selectDaemons(tx.db).where("daemons.id", "=", id).executeTakeFirstOrThrow();
  await recordChange(tx, "daemon", id, { ...toDaemon(row) });
}

/** Puts the daemon's live tasks into the change feed, when they have become unreachable or can be reached again. */
export async function publishReachability(tx: Write, id: string): Promise<void> {
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
    labels: fromJson(row.labels),
    running: row.running ?? 0,
    lastSeenAt: row.last_seen_at,
  };
}
