import { sql } from "kysely";
import { TASK } from "../../core/task-state.ts";
import type { TaskState } from "../../core/task-state.ts";
import type { Db } from "../db/engine.ts";

/** What there is now, as far as work is under way: nothing here is counted over history. */
export interface State extends Counts {
  tasks: ReadonlyMap<TaskState, number>;
}

interface Counts {
  /** Epoch ms since when the task that has waited longest for a daemon is pending; null: none is. */
  pendingSince: number | null;
  liveRuns: number;
  daemonsOnline: number;
  daemonsOffline: number;
  /** Of all daemons that have told. */
  worktreeBytes: number;
  /** Daemons whose checkouts pass their quota. */
  worktreesFull: number;
  openCommands: number;
  changesHead: number;
  openQuestions: number;
  unreadNotifications: number;
  pendingDeliveries: number;
}

/** Two statements; each part is answered from an index that holds what is live, or leads to it. */
export async function readState(db: Db): Promise<State> {
  const tasks = await db
    .selectFrom("tasks")
    .select((eb) => ["status", eb.fn.countAll<number>().as("count")])
    .where("status", "in", TASK.live)
    .groupBy("status")
    .execute();
  const { rows } = await COUNTS.execute(db);
  const [counts] = rows;
  if (counts === undefined) throw new Error("a statement without a table gives one row");
  return { ...counts, tasks: new Map(tasks.map(({ status, count }) => [status, count])) };
}

/** One row, whatever there is. */
export const COUNTS = sql<Counts>`
  select
    (select min(updated_at) from tasks where status = 'pending') as "pendingSince",
    (select count(*) from runs where ended_at is null) as "liveRuns",
    (select count(*) from daemons where online = 1) as "daemonsOnline",
    (select count(*) from daemons where online = 0) as "daemonsOffline",
    (select cast(coalesce(sum(worktree_bytes), 0) as bigint) from daemons) as "worktreeBytes",
    (select count(*) from daemons where worktree_bytes > worktree_quota) as "worktreesFull",
    (select count(*) from commands where done_at is null) as "openCommands",
    (select value from counters where name = 'changes') as "changesHead",
    (select count(*) from questions where status = 'open') as "openQuestions",
    (select count(*) from notifications where status = 'unread') as "unreadNotifications",
    (select count(*) from deliveries where next_at is not null) as "pendingDeliveries"
`;
