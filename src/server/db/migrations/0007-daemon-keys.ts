import type { Kysely } from "kysely";

/** A daemon's identity is its key's. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // null: it has not connected since.
  await db.schema.alterTable("daemons").addColumn("key_id", "text").execute();
}
