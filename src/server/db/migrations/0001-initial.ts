import type { CreateTableBuilder, Kysely } from "kysely";
import { sql } from "kysely";

/** For SQLite and PostgreSQL alike. `bytea` has no meaning to SQLite, which then stores a blob as it is. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createWork(db);
  await createRuns(db);
  await createLogs(db);
  await createFeed(db);
  await createDaemons(db);
  await createAccess(db);
}

const bytes = sql`bytea`;
const real = "double precision" as const;

type Columns = CreateTableBuilder<string, string>;

/** A text id that refers to a row of another table. */
function reference(table: Columns, column: string, target: string): Columns {
  return table.addColumn(column, "text", (it) => it.notNull().references(target));
}

async function createWork(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("contracts")
    .addColumn("id", "text", (it) => it.primaryKey())
    .addColumn("name", "text", (it) => it.notNull())
    .addColumn("status", "text", (it) => it.notNull())
    .addColumn("type", "text", (it) => it.notNull())
    .addColumn("goal", "text", (it) => it.notNull())
    .addColumn("created_at", "bigint", (it) => it.notNull())
    .addColumn("updated_at", "bigint", (it) => it.notNull())
    .execute();
  await reference(
    db.schema.createTable("tasks").addColumn("id", "text", (it) => it.primaryKey()),
    "contract_id",
    "contracts.id",
  )
    .addColumn("name", "text", (it) => it.notNull())
    .addColumn("status", "text", (it) => it.notNull())
    .addColumn("reason", "text")
    .addColumn("agent", "text", (it) => it.notNull())
    .addColumn("repository", "text", (it) => it.notNull())
    .addColumn("base", "text", (it) => it.notNull())
    .addColumn("branch", "text", (it) => it.notNull())
    .addColumn("include_changes", "smallint", (it) => it.notNull())
    .addColumn("checks", "text", (it) => it.notNull())
    .addColumn("settings", "text", (it) => it.notNull())
    .addColumn("fence", "bigint", (it) => it.notNull())
    .addColumn("run_id", "text")
    .addColumn("cost_usd", real, (it) => it.notNull())
    .addColumn("wait_until", "bigint")
    .addColumn("created_at", "bigint", (it) => it.notNull())
    .addColumn("updated_at", "bigint", (it) => it.notNull())
    .execute();
  await db.schema.createIndex("tasks_by_contract").on("tasks").column("contract_id").execute();
  await db.schema.createIndex("tasks_by_status").on("tasks").columns(["status", "created_at", "id"]).execute();
}

async function createRuns(db: Kysely<unknown>): Promise<void> {
  await reference(
    db.schema.createTable("runs").addColumn("id", "text", (it) => it.primaryKey()),
    "task_id",
    "tasks.id",
  )
    .addColumn("daemon_id", "text", (it) => it.notNull())
    .addColumn("fence", "bigint", (it) => it.notNull())
    .addColumn("status", "text", (it) => it.notNull())
    .addColumn("iterations", "bigint", (it) => it.notNull())
    .addColumn("session_id", "text")
    .addColumn("breaker", "text")
    .addColumn("head", "text")
    .addColumn("worktree", "text")
    .addColumn("branch_kept", "smallint", (it) => it.notNull())
    .addColumn("verification", "text")
    .addColumn("checks", "text", (it) => it.notNull())
    .addColumn("tampering", "text", (it) => it.notNull())
    .addColumn("diff_stat", "text")
    .addColumn("error_code", "text")
    .addColumn("hint", "text")
    .addColumn("created_at", "bigint", (it) => it.notNull())
    .addColumn("started_at", "bigint")
    .addColumn("ended_at", "bigint")
    .addUniqueConstraint("runs_fence", ["task_id", "fence"])
    .execute();
  // The invariant "at most one live run per task", kept by the database whatever the code does.
  await sql`create unique index runs_one_live on runs (task_id) where ended_at is null`.execute(db);
  await sql`create index runs_live_by_daemon on runs (daemon_id) where ended_at is null`.execute(db);
  await reference(db.schema.createTable("iterations"), "run_id", "runs.id")
    .addColumn("index", "bigint", (it) => it.notNull())
    .addColumn("session_id", "text")
    .addColumn("gate", "text")
    .addColumn("changed", "smallint")
    .addColumn("error", "text")
    .addColumn("verdict", "text")
    .addColumn("reason", "text")
    .addColumn("refused", "smallint", (it) => it.notNull())
    .addColumn("cost_usd", real, (it) => it.notNull())
    .addColumn("duration_ms", "bigint")
    .addColumn("started_at", "bigint", (it) => it.notNull())
    .addPrimaryKeyConstraint("iterations_key", ["run_id", "index"])
    .execute();
}

async function createLogs(db: Kysely<unknown>): Promise<void> {
  await reference(db.schema.createTable("streams"), "run_id", "runs.id")
    .addColumn("stream", "text", (it) => it.notNull())
    .addColumn("size", "bigint", (it) => it.notNull())
    .addColumn("merged", "smallint", (it) => it.notNull())
    .addPrimaryKeyConstraint("streams_key", ["run_id", "stream"])
    .execute();
  await sql`create index streams_unmerged on streams (run_id) where merged = 0`.execute(db);
  // `data` comes last: SQLite then reads the other columns of a row without its overflow pages.
  await reference(db.schema.createTable("chunks"), "run_id", "runs.id")
    .addColumn("stream", "text", (it) => it.notNull())
    .addColumn("offset", "bigint", (it) => it.notNull())
    .addColumn("size", "bigint", (it) => it.notNull())
    .addColumn("encoding", "text", (it) => it.notNull())
    .addColumn("data", bytes, (it) => it.notNull())
    .addPrimaryKeyConstraint("chunks_key", ["run_id", "stream", "offset"])
    .execute();
}

async function createFeed(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("changes")
    .addColumn("seq", "bigint", (it) => it.primaryKey())
    .addColumn("at", "bigint", (it) => it.notNull())
    .addColumn("kind", "text", (it) => it.notNull())
    .addColumn("id", "text", (it) => it.notNull())
    .addColumn("data", "text", (it) => it.notNull())
    .execute();
  await db.schema
    .createTable("counters")
    .addColumn("name", "text", (it) => it.primaryKey())
    .addColumn("value", "bigint", (it) => it.notNull())
    .execute();
  await sql`insert into counters (name, value) values ('changes', 0), ('commands', 0)`.execute(db);
}

async function createDaemons(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("daemons")
    .addColumn("id", "text", (it) => it.primaryKey())
    .addColumn("name", "text", (it) => it.notNull())
    .addColumn("host", "text", (it) => it.notNull())
    .addColumn("max_tasks", "bigint", (it) => it.notNull())
    .addColumn("online", "smallint", (it) => it.notNull())
    .addColumn("last_seen_at", "bigint", (it) => it.notNull())
    .execute();
  await reference(
    db.schema
      .createTable("commands")
      .addColumn("id", "text", (it) => it.primaryKey())
      .addColumn("seq", "bigint", (it) => it.notNull().unique()),
    "daemon_id",
    "daemons.id",
  )
    .addColumn("run_id", "text", (it) => it.notNull())
    .addColumn("kind", "text", (it) => it.notNull())
    .addColumn("payload", "text")
    .addColumn("created_at", "bigint", (it) => it.notNull())
    .addColumn("done_at", "bigint")
    .addColumn("error", "text")
    .execute();
  await sql`create index commands_open on commands (daemon_id, seq) where done_at is null`.execute(db);
  await db.schema.createIndex("commands_by_run").on("commands").column("run_id").execute();
}

async function createAccess(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("keys")
    .addColumn("id", "text", (it) => it.primaryKey())
    .addColumn("hash", "text", (it) => it.notNull())
    .addColumn("kind", "text", (it) => it.notNull())
    .addColumn("name", "text")
    .addColumn("contract_id", "text")
    .addColumn("run_id", "text")
    .addColumn("created_at", "bigint", (it) => it.notNull())
    .addColumn("revoked_at", "bigint")
    .execute();
  await db.schema.createIndex("keys_by_run").on("keys").column("run_id").execute();
  await db.schema
    .createTable("replies")
    .addColumn("key_id", "text", (it) => it.notNull())
    .addColumn("idempotency_key", "text", (it) => it.notNull())
    .addColumn("request_hash", "text", (it) => it.notNull())
    .addColumn("reply", "text", (it) => it.notNull())
    .addColumn("created_at", "bigint", (it) => it.notNull())
    .addPrimaryKeyConstraint("replies_key", ["key_id", "idempotency_key"])
    .execute();
  await db.schema.createIndex("replies_by_age").on("replies").column("created_at").execute();
}
