import type { Kysely } from "kysely";
import { sql } from "kysely";

/** What contracts and their supervisors need: phases, files, reports, messages, operations, checkpoints. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await extendContracts(db);
  await extendTasks(db);
  await extendAccess(db);
  await createDocuments(db);
  await createMessages(db);
  await createOperations(db);
  await createCheckpoints(db);
}

async function extendContracts(db: Kysely<unknown>): Promise<void> {
  const contracts = () => db.schema.alterTable("contracts");
  // What there is so far was made by `makima run`: one task, which is the whole of its work.
  await contracts()
    .addColumn("driver", "text", (it) => it.notNull().defaultTo("task"))
    .execute();
  await contracts()
    .addColumn("phase", "text", (it) => it.notNull().defaultTo("execute"))
    .execute();
  await contracts()
    .addColumn("goals", "text", (it) => it.notNull().defaultTo("[]"))
    .execute();
  await contracts()
    .addColumn("repositories", "text", (it) => it.notNull().defaultTo("[]"))
    .execute();
  await contracts()
    .addColumn("integration_branch", "text", (it) => it.notNull().defaultTo(""))
    .execute();
  await contracts()
    .addColumn("completion_action", "text", (it) => it.notNull().defaultTo("none"))
    .execute();
  await contracts().addColumn("budget_usd", "double precision").execute();
  await contracts()
    .addColumn("cost_usd", "double precision", (it) => it.notNull().defaultTo(0))
    .execute();
  await contracts().addColumn("max_parallel", "bigint").execute();
  await contracts().addColumn("ended_at", "bigint").execute();
  await sql`update contracts set cost_usd = coalesce(
    (select sum(cost_usd) from tasks where tasks.contract_id = contracts.id), 0)`.execute(db);
}

async function extendTasks(db: Kysely<unknown>): Promise<void> {
  const tasks = () => db.schema.alterTable("tasks");
  await tasks()
    .addColumn("role", "text", (it) => it.notNull().defaultTo("worker"))
    .execute();
  await tasks().addColumn("parent_id", "text").execute();
  await tasks().addColumn("start_at", "text").execute();
  await tasks().addColumn("merge", "text").execute();
  await tasks()
    .addColumn("merge_attempts", "bigint", (it) => it.notNull().defaultTo(0))
    .execute();
  // Its supervisor's run sleeps until something happens in the contract.
  await tasks()
    .addColumn("idle", "smallint", (it) => it.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable("runs").addColumn("verified_tree", "text").execute();
  await sql`create index tasks_unmerged on tasks (contract_id) where merge in ('queued', 'conflict', 'failed')`.execute(
    db,
  );
}

async function extendAccess(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable("keys")
    .addColumn("supervisor", "smallint", (it) => it.notNull().defaultTo(0))
    .execute();
  // A task's key sees the changes of its own contract, whose number does not grow with everybody else's.
  await db.schema.alterTable("changes").addColumn("contract_id", "text").execute();
  await db.schema.createIndex("changes_by_contract").on("changes").columns(["contract_id", "seq"]).execute();
}

async function createDocuments(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("files")
    .addColumn("contract_id", "text", (it) => it.notNull().references("contracts.id"))
    .addColumn("name", "text", (it) => it.notNull())
    .addColumn("title", "text", (it) => it.notNull())
    .addColumn("phase", "text", (it) => it.notNull())
    .addColumn("version", "bigint", (it) => it.notNull())
    .addColumn("size", "bigint", (it) => it.notNull())
    .addColumn("created_at", "bigint", (it) => it.notNull())
    .addColumn("updated_at", "bigint", (it) => it.notNull())
    .addPrimaryKeyConstraint("files_key", ["contract_id", "name"])
    .execute();
  await db.schema
    .createTable("file_versions")
    .addColumn("contract_id", "text", (it) => it.notNull().references("contracts.id"))
    .addColumn("name", "text", (it) => it.notNull())
    .addColumn("version", "bigint", (it) => it.notNull())
    .addColumn("content", "text", (it) => it.notNull())
    .addColumn("created_at", "bigint", (it) => it.notNull())
    .addPrimaryKeyConstraint("file_versions_key", ["contract_id", "name", "version"])
    .execute();
  await db.schema
    .createTable("reports")
    .addColumn("id", "text", (it) => it.primaryKey())
    .addColumn("contract_id", "text", (it) => it.notNull().references("contracts.id"))
    .addColumn("task_id", "text")
    .addColumn("text", "text", (it) => it.notNull())
    .addColumn("created_at", "bigint", (it) => it.notNull())
    .execute();
  await db.schema.createIndex("reports_by_contract").on("reports").columns(["contract_id", "id"]).execute();
}

async function createMessages(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("messages")
    .addColumn("id", "text", (it) => it.primaryKey())
    .addColumn("task_id", "text", (it) => it.notNull().references("tasks.id"))
    .addColumn("kind", "text", (it) => it.notNull())
    .addColumn("text", "text", (it) => it.notNull())
    // The run that was given it; null: none yet.
    .addColumn("run_id", "text")
    .addColumn("heard_at", "bigint")
    .addColumn("created_at", "bigint", (it) => it.notNull())
    .execute();
  await sql`create index messages_unheard on messages (task_id, id) where heard_at is null`.execute(db);
}

async function createOperations(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("operations")
    .addColumn("id", "text", (it) => it.primaryKey())
    .addColumn("kind", "text", (it) => it.notNull())
    .addColumn("contract_id", "text", (it) => it.notNull().references("contracts.id"))
    .addColumn("task_id", "text")
    // It stays when the daemon is removed.
    .addColumn("daemon_id", "text", (it) => it.notNull())
    // Of those with the same queue, one is given at a time, in the order of their numbers; null: at once.
    .addColumn("queue", "text")
    .addColumn("seq", "bigint", (it) => it.notNull())
    .addColumn("status", "text", (it) => it.notNull())
    .addColumn("origin", "text", (it) => it.notNull())
    .addColumn("order", "text", (it) => it.notNull())
    .addColumn("result", "text")
    .addColumn("error", "text")
    .addColumn("created_at", "bigint", (it) => it.notNull())
    .addColumn("ended_at", "bigint")
    .execute();
  await db.schema.createIndex("operations_by_contract").on("operations").columns(["contract_id", "id"]).execute();
  await sql`create index operations_live on operations (contract_id) where ended_at is null`.execute(db);
  await sql`create index operations_queued on operations (queue, seq) where ended_at is null`.execute(db);
  await sql`create index operations_of_daemon on operations (daemon_id) where ended_at is null`.execute(db);
  await sql`create index operations_reading on operations (id) where kind in ('GetDiff', 'ReadFile', 'ListBranches')`.execute(
    db,
  );
  await sql`insert into counters (name, value) values ('operations', 0)`.execute(db);
  await letCommandsHaveOperations(db);
}

/** A command is now about a run or an operation; SQLite cannot make a column nullable, so the table is made anew. */
async function letCommandsHaveOperations(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("commands_new")
    .addColumn("id", "text", (it) => it.primaryKey())
    .addColumn("seq", "bigint", (it) => it.notNull().unique())
    .addColumn("daemon_id", "text", (it) => it.notNull().references("daemons.id"))
    .addColumn("run_id", "text")
    .addColumn("operation_id", "text")
    .addColumn("kind", "text", (it) => it.notNull())
    .addColumn("payload", "text")
    .addColumn("created_at", "bigint", (it) => it.notNull())
    .addColumn("done_at", "bigint")
    .addColumn("error", "text")
    .execute();
  await sql`insert into commands_new (id, seq, daemon_id, run_id, kind, payload, created_at, done_at, error)
    select id, seq, daemon_id, run_id, kind, payload, created_at, done_at, error from commands`.execute(db);
  await db.schema.dropTable("commands").execute();
  await db.schema.alterTable("commands_new").renameTo("commands").execute();
  await sql`create index commands_open on commands (daemon_id, seq) where done_at is null`.execute(db);
  await db.schema.createIndex("commands_by_run").on("commands").column("run_id").execute();
}

async function createCheckpoints(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("checkpoints")
    .addColumn("task_id", "text", (it) => it.notNull().references("tasks.id"))
    .addColumn("name", "text", (it) => it.notNull())
    .addColumn("run_id", "text", (it) => it.notNull())
    .addColumn("commit_id", "text", (it) => it.notNull())
    .addColumn("ref", "text", (it) => it.notNull())
    .addColumn("message", "text", (it) => it.notNull())
    .addColumn("created_at", "bigint", (it) => it.notNull())
    .addPrimaryKeyConstraint("checkpoints_key", ["task_id", "name"])
    .execute();
}
