import type { Store, Write } from "../db/store.ts";
import { failLatestOf } from "../operations/end.ts";
import type { Sighting } from "./policy.ts";

/**
 * Fails the operations that a lost daemon has not answered, each in a transaction of its own, for much may follow from
 * one. Ends where the daemon has come back meanwhile: then it answers them. Gives how many it failed.
 */
export async function failUnanswered(store: Store, daemon: Sighting): Promise<number> {
  let failed = 0;
  while (await store.write((tx) => failIfLost(tx, daemon))) failed += 1;
  return failed;
}

async function failIfLost(tx: Write, { daemonId, lastSeenAt }: Sighting): Promise<boolean> {
  const lost = await tx.db
    .selectFrom("daemons")
    .select(["name", "host"])
    .where("id", "=", daemonId)
    .where("online", "=", 0)
    .where("last_seen_at", "=", lastSeenAt)
    .executeTakeFirst();
  if (lost === undefined) return false;
  const since = new Date(lastSeenAt).toISOString();
  return failLatestOf(tx, daemonId, {
    code: "unavailable",
    message: `The daemon ${lost.name} on ${lost.host} has not been seen since ${since}`,
    hint: "Ask again when it is back: what it had begun by then may be done.",
  });
}
