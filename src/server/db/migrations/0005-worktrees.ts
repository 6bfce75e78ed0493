import type { Kysely } from "kysely";
import { sql } from "kysely";

/** What the clean-up of worktrees needs: operations about a daemon, commands about a contract, sizes of checkouts; and what runs run in. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await letOperationsHaveNoContract(db);
  await db.schema.alterTable("commands").addColumn("contract_id", "text").execute();
  await extendDaemons(db);
  await db.schema.alterTable("runs").addColumn("sandbox", "text").execute();
  // The contracts whose tasks may still be worked on are few among all that ever were.
  await sql`create index contracts_live on contracts (id) where status in ('active', 'paused')`.execute(db);
}

/** SQLite cannot make a column nullable, so the table is made anew. */
async function letOperationsHaveNoContract(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("operations_new")
    .addColumn("id", "text", (it) => it.primaryKey())
    .addColumn("kind", "text", (it) => it.notNull())
    // null: it is about the daemon itself.
    .addColumn("contract_id", "text", (it) => it.references("contracts.id"))
    .addColumn("task_id", "text")
    .addColumn("daemon_id", "text", (it) => it.notNull())
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
  const columns = sql.raw(
    'id, kind, contract_id, task_id, daemon_id, queue, seq, status, origin, "order", result, error, created_at, ended_at',
  );
  await sql`insert into operations_new (${columns}) select ${columns} from operations`.execute(db);
  await db.schema.dropTable("operations").execute();
  await db.schema.alterTable("operations_new").renameTo("operations").execute();
  await db.schema.createIndex("operations_by_contract").on("operations").columns(["contract_id", "id"]).execute();
  await sql`create index operations_live on operations (contract_id) where ended_at is null`.execute(db);
  await sql`create index operations_queued on operations (queue, seq) where ended_at is null`.execute(db);
  await sql`create index operations_of_daemon on operations (daemon_id) where ended_at is null`.execute(db);
  await sql`create index operations_reading on operations (id)
    where kind in ('GetDiff', 'ReadFile', 'ListBranches', 'ListWorktrees')`.execute(db);
}

async function extendDaemons(db: Kysely<unknown>): Promise<void> {
  const daemons = () => db.schema.alterTable("daemons");
  await daemons().addColumn("worktree_bytes", "bigint").execute();
  await daemons().addColumn("worktree_quota", "bigint").execute();
  // People were told that its checkouts pass the quota.
  await daemons()
    .addColumn("worktrees_full", "smallint", (it) => it.notNull().defaultTo(0))
    .execute();
}
