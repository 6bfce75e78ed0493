import { sql } from "kysely";
import type { Db, Write } from "../db/store.ts";

/**
 * Bytes that the output of all runs takes: compressed where it has been, as it came where it has yet to be. One statement,
 * for a merge between two would make them miss what it moves from one sum to the other.
 */
export async function storedBytes(db: Db): Promise<number> {
  const stored = await db
    .selectFrom("totals")
    .where("name", "=", "merged-output")
    .select("value as merged")
    // Only the streams of live runs, and of those that have just ended: there is an index of them.
    .select((eb) =>
      eb
        .selectFrom("streams")
        .select(sql<number>`coalesce(sum(size), 0)`.as("bytes"))
        .where("merged", "=", sql.lit(0 as const))
        .as("unmerged"),
    )
    .executeTakeFirstOrThrow();
  return stored.merged + (stored.unmerged ?? 0);
}

/** To be told of every compressed chunk: of its bytes when it is stored, of as many less when it is deleted. */
export async function countMerged(tx: Write, bytes: number): Promise<void> {
  await tx.db
    .updateTable("totals")
    .set((eb) => ({ value: eb("value", "+", bytes) }))
    .where("name", "=", "merged-output")
    .execute();
}
