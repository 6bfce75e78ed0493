import type { Db } from "../db/store.ts";
import type { Sighting } from "./policy.ts";

/** The daemons that are online or hold something, through indexes that know no others: history costs nothing. */
export async function sightDaemons(db: Db): Promise<Sighting[]> {
  const online = await db.selectFrom("daemons").select(["id", "last_seen_at"]).where("online", "=", 1).execute();
  const runs = db.selectFrom("runs").select("daemon_id").where("ended_at", "is", null);
  const operations = db.selectFrom("operations").select("daemon_id").where("ended_at", "is", null);
  const holding = await db
    .selectFrom(runs.unionAll(operations).as("held"))
    .innerJoin("daemons", "daemons.id", "held.daemon_id")
    .groupBy(["daemons.id", "daemons.online", "daemons.last_seen_at"])
    .select(["daemons.id", "daemons.online", "daemons.last_seen_at"])
    .select((eb) => eb.fn.countAll<number>().as("leases"))
    .execute();
  const sightings = [
    ...online.map((row) => ({ ...row, online: 1, leases: 0 })),
    // The later look wins.
    ...holding,
  ].map((row): [string, Sighting] => [row.id, toSighting(row)]);
  return [...new Map(sightings).values()];
}

function toSighting(row: { id: string; online: number; last_seen_at: number; leases: number }): Sighting {
  return { daemonId: row.id, online: row.online === 1, lastSeenAt: row.last_seen_at, leases: row.leases };
}
