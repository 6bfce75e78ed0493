import { sql } from "kysely";
import type { Selectable } from "kysely";
import type { Labels } from "../../protocol/labels.ts";
import { fromJson } from "../db/json.ts";
import type { Db } from "../db/store.ts";
import type { Flag, TasksTable } from "../db/tables.ts";
import { describeLabels, offers, offersOf } from "../dispatch/labels.ts";
import { slices } from "../slices.ts";
import { isMet } from "./rows.ts";

type Row = Pick<Selectable<TasksTable>, "id" | "status" | "hold" | "labels">;

/**
 * Why tasks wait, by id: of pending ones what has to happen before they are started, unless that is only that a daemon
 * has room, or that others of the contract end; of paused ones, where it was not they themselves that were paused. Costs nothing where none of them waits.
 */
export async function explainWaiting(db: Db, rows: readonly Row[]): Promise<Map<string, string>> {
  const paused = rows.filter(({ status, hold }) => status === "paused" && hold === "contract");
  const reasons = new Map(paused.map(({ id }) => [id, "Its contract is paused"]));
  const pending = rows.filter(({ status }) => status === "pending");
  for (const some of slices(pending)) {
    for (const obstacles of await obstaclesOf(db, some)) {
      const reason = reasonOf(obstacles);
      if (reason !== null) reasons.set(obstacles.id, reason);
    }
  }
  const ready = pending.filter(({ id }) => !reasons.has(id));
  if (ready.length === 0) return reasons;
  const offered = await onlineOffers(db);
  for (const { id, labels } of ready) {
    const reason = refusalOf(offered, fromJson(labels));
    if (reason !== null) reasons.set(id, reason);
  }
  return reasons;
}

type Obstacles = Awaited<ReturnType<typeof obstaclesOf>>[number];

/**
 * `awaited`, `failed`, `unmerged`: names, one per line, of the dependencies that are still to come, that did not work
 * out, and that are completed but for their merge.
 */
async function obstaclesOf(db: Db, pending: readonly Row[]) {
  return db
    .selectFrom("tasks")
    .innerJoin("contracts", "contracts.id", "tasks.contract_id")
    .leftJoin("daemons", "daemons.id", "tasks.home")
    .select(["tasks.id", "tasks.hold", "contracts.status as contract", "daemons.name as home", "daemons.online"])
    .select(sql<Flag>`case when contracts.cost_usd >= contracts.budget_usd then 1 else 0 end`.as("spent"))
    .select([
      namesOfDependencies(sql`earlier.status not in ('completed', 'failed', 'cancelled')`).as("awaited"),
      namesOfDependencies(sql`earlier.status in ('failed', 'cancelled')`).as("failed"),
      namesOfDependencies(sql`earlier.status = 'completed' and not ${isMet("earlier")}`).as("unmerged"),
    ])
    .where(
      "tasks.id",
      "in",
      pending.map(({ id }) => id),
    )
    .execute();
}

function namesOfDependencies(condition: ReturnType<typeof sql>) {
  return sql<string | null>`(
    select string_agg(earlier.name, ${"\n"} order by earlier.id)
    from dependencies join tasks as earlier on earlier.id = dependencies.after_id
    where dependencies.task_id = tasks.id and ${condition})`;
}

function reasonOf({ contract, spent, hold, failed, awaited, unmerged, home, online }: Obstacles): string | null {
  if (contract === "paused") return "Its contract is paused";
  if (spent === 1) return "The budget of its contract is spent";
  if (hold === "person") return "It was paused: resume it to have it started";
  if (failed !== null) return `${listOf(failed)} did not work out: resume that, or wait for it no more`;
  if (awaited !== null) return `Waits for ${listOf(awaited)}`;
  if (unmerged !== null) return `Waits for ${listOf(unmerged)} to be merged`;
  if (home === null) return null;
  const daemon = `daemon ${home}, which has its checkout and its session`;
  return online === 1 ? `Goes on with ${daemon}` : `Waits for ${daemon}, to come back`;
}

/** Names in one reason; a person looks up the others. */
const MAX_NAMES = 5;

function listOf(lines: string): string {
  const names = lines.split("\n");
  const more = names.length - MAX_NAMES;
  return names.slice(0, MAX_NAMES).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

async function onlineOffers(db: Db): Promise<Labels[]> {
  const rows = await db.selectFrom("daemons").select(["name", "host", "labels"]).where("online", "=", 1).execute();
  return rows.map((row) => offersOf({ ...row, labels: fromJson(row.labels) }));
}

function refusalOf(offered: readonly Labels[], asked: Labels): string | null {
  if (offered.length === 0) return "No daemon is connected";
  if (offered.some((labels) => offers(labels, asked))) return null;
  return `No daemon that is connected offers ${describeLabels(asked)}`;
}
