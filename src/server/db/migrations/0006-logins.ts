import type { Kysely } from "kysely";

/** What logging in with a browser needs: keys that expire, and codes that are exchanged for them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // null: it is valid until it is revoked.
  await db.schema.alterTable("keys").addColumn("expires_at", "bigint").execute();
  await db.schema
    .createTable("logins")
    .addColumn("hash", "text", (it) => it.primaryKey())
    .addColumn("expires_at", "bigint", (it) => it.notNull())
    .execute();
}
