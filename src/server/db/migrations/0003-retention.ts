import type { Kysely } from "kysely";
import { sql } from "kysely";

/** What the retention rules keep in mind between two starts, and what they look things up by. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable("runs")
    .addColumn("archive_failures", "bigint", (it) => it.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable("runs").addColumn("archive_after", "bigint").execute();
  // Dismissed notifications stay for ever, so that they never come back; this finds those that still have their texts.
  await sql`create index notifications_full on notifications (id) where status = 'dismissed' and title <> ''`.execute(
    db,
  );
  await createDuties(db);
  await createTotals(db);
}

async function createDuties(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("duties")
    .addColumn("name", "text", (it) => it.primaryKey())
    .addColumn("holder", "text", (it) => it.notNull())
    .addColumn("until", "bigint", (it) => it.notNull())
    .execute();
}

async function createTotals(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("totals")
    .addColumn("name", "text", (it) => it.primaryKey())
    .addColumn("value", "bigint", (it) => it.notNull())
    .execute();
  await sql`
    insert into totals (name, value)
    select 'merged-output', coalesce(sum(length(data)), 0) from chunks where encoding = 'zstd'
  `.execute(db);
}
