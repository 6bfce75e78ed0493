import { sql } from "kysely";
import type { Db, Write } from "../db/store.ts";

/** Bytes that the output of all runs takes: compressed where it has been, as it came where it has yet to be. */
export async function storedBytes(db: Db): Promise<number> {
  const merged = await db
    .selectFrom("totals")
    .select("value")
    .where("name", "=", "merged-output")
    .executeTakeFirstOrThrow();
  // Only the streams of live runs, and of those that have just ended: there is an index of them.
  const unmerged = await db
    .selectFrom("streams")
    .select(sql<number>`coalesce(sum(size), 0)`.as("bytes"))
    .where((eb) => eb("merged", "=", eb.lit(0)))
    .executeTakeFirstOrThrow();
  return merged.value + unmerged.bytes;
}

/** To be told of every compressed chunk: of its bytes when it is stored, of as many less when it is deleted. */
export async function countMerged(tx: Write, bytes: number): Promise<void> {
  await tx.db
    .updateTable("totals")
    .set((eb) => ({ value: eb("value", "+", bytes) }))
    .where("name", "=", "merged-output")
    .execute();
}
