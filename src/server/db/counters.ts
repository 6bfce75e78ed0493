import type { Db, Write } from "./store.ts";
import type { CountersTable } from "./tables.ts";

/** The next number of a gapless sequence; its row stays locked until the transaction ends, so numbers commit in order. */
export async function nextNumber(tx: Write, name: CountersTable["name"]): Promise<number> {
  const { value } = await tx.db
    .updateTable("counters")
    .set((eb) => ({ value: eb("value", "+", 1) }))
    .where("name", "=", name)
    .returning("value")
    .executeTakeFirstOrThrow();
  return value;
}

export async function latestNumber(db: Db, name: CountersTable["name"]): Promise<number> {
  const { value } = await db.selectFrom("counters").select("value").where("name", "=", name).executeTakeFirstOrThrow();
  return value;
}
