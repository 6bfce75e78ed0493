import { sql } from "kysely";
import type { Labels } from "../../protocol/labels.ts";
import { fromJson } from "../db/json.ts";
import type { Json } from "../db/json.ts";
import type { Db } from "../db/store.ts";
import type { Flag } from "../db/tables.ts";
import { offers, offersOf } from "./labels.ts";
import type { Head, Share } from "./policy.ts";

/** A task that could be started, as far as tasks and contracts know. */
export interface ReadyHead extends Omit<Head, "home">, Pick<Share, "servedAt" | "limit"> {
  home: Home | null;
}

/** The daemon that has the checkout and the session of a resumed task. */
export interface Home {
  daemonId: string;
  online: boolean;
  lastSeenAt: number;
}

/** All of it, as well as `queue` and `id`, is in the index `tasks_ready`; few tasks are held while they are pending. */
const READY = sql`status = 'pending' and blocked = 0 and hold is null`;

/**
 * Steps from queue to queue over the index: what it costs grows with the number of queues, not of the tasks in them.
 */
export const HEADS = sql<HeadRow>`
  with recursive queues (queue) as (
    select min(queue) from tasks where ${READY}
    union all
    select (select min(queue) from tasks where ${READY} and queue > queues.queue)
    from queues where queues.queue is not null
  ),
  heads (id) as (
    select (select min(id) from tasks where ${READY} and queue = queues.queue)
    from queues where queues.queue is not null
  )
  select tasks.id, tasks.contract_id, tasks.role, tasks.queue, tasks.labels, contracts.served_at, contracts.max_parallel,
    daemons.id as home, daemons.name, daemons.host, daemons.labels as offered, daemons.online, daemons.last_seen_at
  from heads
  join tasks on tasks.id = heads.id
  join contracts on contracts.id = tasks.contract_id and contracts.status = 'active'
    and (contracts.budget_usd is null or contracts.cost_usd < contracts.budget_usd)
  left join daemons on daemons.id = tasks.home`;

/** The first task of each queue of an active contract that may spend something. */
export async function readHeads(db: Db): Promise<ReadyHead[]> {
  const { rows } = await HEADS.execute(db);
  return rows.map(toHead);
}

/** The task that is now the first of a queue. */
export async function firstOf(db: Db, queue: string): Promise<string | null> {
  const { rows } = await sql<{
    id: string | null;
  }>`select min(id) as id from tasks where ${READY} and queue = ${queue}`.execute(db);
  return rows[0]?.id ?? null;
}

type HeadRow = {
  id: string;
  contract_id: string;
  role: Head["role"];
  queue: string;
  labels: Json<Labels>;
  served_at: number | null;
  max_parallel: number | null;
} & (HomeRow | { home: null });

interface HomeRow {
  home: string;
  name: string;
  host: string;
  offered: Json<Labels>;
  online: Flag;
  last_seen_at: number;
}

function toHead(row: HeadRow): ReadyHead {
  const labels = fromJson(row.labels);
  return {
    queue: row.queue,
    taskId: row.id,
    contractId: row.contract_id,
    role: row.role,
    labels,
    servedAt: row.served_at ?? 0,
    limit: row.max_parallel,
    home: row.home === null ? null : toHome(row, labels),
  };
}

/** null where the daemon does not offer any more what the task asks: it would wait for ever. */
function toHome({ home, name, host, offered, online, last_seen_at }: HomeRow, labels: Labels): Home | null {
  if (!offers(offersOf({ name, host, labels: fromJson(offered) }), labels)) return null;
  return { daemonId: home, online: online === 1, lastSeenAt: last_seen_at };
}
