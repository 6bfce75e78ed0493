import type { Kysely } from "kysely";
import { sql } from "kysely";

/** What a team needs: dependencies, labels, versions, questions, notifications, retention, several servers. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await extendWork(db);
  await extendDispatch(db);
  await extendDaemons(db);
  await listKeysQuickly(db);
  await createQuestions(db);
  await createNotifications(db);
}

async function extendWork(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable("contracts")
    .addColumn("version", "bigint", (it) => it.notNull().defaultTo(1))
    .execute();
  await db.schema.alterTable("contracts").addColumn("defaults", "text").execute();
  await db.schema.alterTable("tasks").addColumn("goal", "text").execute();
  await db.schema
    .alterTable("tasks")
    .addColumn("version", "bigint", (it) => it.notNull().defaultTo(1))
    .execute();
  await db.schema
    .alterTable("tasks")
    .addColumn("labels", "text", (it) => it.notNull().defaultTo("{}"))
    .execute();
  await db.schema
    .createTable("dependencies")
    .addColumn("task_id", "text", (it) => it.notNull().references("tasks.id"))
    .addColumn("after_id", "text", (it) => it.notNull().references("tasks.id"))
    .addPrimaryKeyConstraint("dependencies_key", ["task_id", "after_id"])
    .execute();
  await db.schema.createIndex("dependencies_by_after").on("dependencies").column("after_id").execute();
  await db.schema.alterTable("runs").addColumn("dropped_at", "bigint").execute();
  // The retention rules look for the oldest output that is still there.
  await sql`create index runs_kept_by_end on runs (ended_at) where dropped_at is null`.execute(db);
}

/** What tells, without a look at all tasks, which of them can be started, and whose turn it is. */
async function extendDispatch(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("contracts").addColumn("served_at", "bigint").execute();
  await db.schema
    .alterTable("tasks")
    .addColumn("blocked", "bigint", (it) => it.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable("tasks").addColumn("hold", "text").execute();
  await db.schema.alterTable("tasks").addColumn("home", "text").execute();
  await db.schema
    .alterTable("tasks")
    .addColumn("queue", "text", (it) => it.notNull().defaultTo(""))
    .execute();
  // The tasks that there are ask nothing of a daemon: those of one contract make one queue.
  await sql`update tasks set queue = contract_id`.execute(db);
  await db.schema
    .createIndex("tasks_ready")
    .on("tasks")
    .columns(["status", "blocked", "queue", "id", "hold"])
    .execute();
  await sql`create index tasks_open on tasks (contract_id) where status <> 'completed'`.execute(db);
  await db.schema.dropIndex("tasks_by_contract").execute();
  await db.schema.createIndex("tasks_by_contract").on("tasks").columns(["contract_id", "id"]).execute();
  await sql`create index contracts_shown on contracts (id) where status <> 'deleted'`.execute(db);
}

async function extendDaemons(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable("daemons")
    .addColumn("labels", "text", (it) => it.notNull().defaultTo("{}"))
    .execute();
  await db.schema.alterTable("daemons").addColumn("instance", "text").execute();
  await db.schema.alterTable("daemons").addColumn("link_id", "text").execute();
  await sql`create index daemons_online on daemons (last_seen_at) where online = 1`.execute(db);
}

async function listKeysQuickly(db: Kysely<unknown>): Promise<void> {
  // Every run has had a key, which lists leave out.
  await sql`create index keys_of_people on keys (created_at, id) where kind <> 'task'`.execute(db);
}

async function createQuestions(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("questions")
    .addColumn("id", "text", (it) => it.primaryKey())
    .addColumn("contract_id", "text", (it) => it.notNull().references("contracts.id"))
    .addColumn("task_id", "text", (it) => it.notNull().references("tasks.id"))
    .addColumn("run_id", "text")
    .addColumn("text", "text", (it) => it.notNull())
    .addColumn("choices", "text", (it) => it.notNull())
    .addColumn("status", "text", (it) => it.notNull())
    .addColumn("answer", "text")
    .addColumn("created_at", "bigint", (it) => it.notNull())
    .addColumn("closed_at", "bigint")
    .execute();
  await db.schema.createIndex("questions_by_task").on("questions").columns(["task_id", "status"]).execute();
  await db.schema.createIndex("questions_by_contract").on("questions").columns(["contract_id", "id"]).execute();
  await sql`create index questions_open on questions (id) where status = 'open'`.execute(db);
}

async function createNotifications(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("notifications")
    .addColumn("id", "text", (it) => it.primaryKey())
    .addColumn("kind", "text", (it) => it.notNull())
    // What it is about, so that the same thing is told once, also after it was dismissed.
    .addColumn("subject", "text", (it) => it.notNull())
    .addColumn("status", "text", (it) => it.notNull())
    .addColumn("title", "text", (it) => it.notNull())
    .addColumn("body", "text", (it) => it.notNull())
    .addColumn("contract_id", "text")
    .addColumn("task_id", "text")
    .addColumn("created_at", "bigint", (it) => it.notNull())
    .addUniqueConstraint("notifications_subject", ["kind", "subject"])
    .execute();
  await db.schema.createIndex("notifications_by_status").on("notifications").columns(["status", "id"]).execute();
  await db.schema
    .createTable("deliveries")
    .addColumn("id", "text", (it) => it.primaryKey())
    .addColumn("notification_id", "text", (it) => it.notNull().references("notifications.id").onDelete("cascade"))
    .addColumn("channel", "text", (it) => it.notNull())
    .addColumn("target", "text", (it) => it.notNull())
    .addColumn("status", "text", (it) => it.notNull())
    .addColumn("attempts", "bigint", (it) => it.notNull())
    .addColumn("response_status", "bigint")
    .addColumn("error", "text")
    .addColumn("next_at", "bigint")
    .addColumn("created_at", "bigint", (it) => it.notNull())
    .execute();
  await db.schema.createIndex("deliveries_by_notification").on("deliveries").column("notification_id").execute();
  await sql`create index deliveries_due on deliveries (channel, next_at) where next_at is not null`.execute(db);
}
