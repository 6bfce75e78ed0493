import { sql } from "kysely";
import { MakimaError } from "../../core/errors.ts";
import type { Db } from "../db/store.ts";

/**
 * Tasks that may still be worked on in a checkout that this daemon has: live ones and those that can be resumed, of
 * contracts that go on, where their next run would go on from a run on it. Looks at contracts that go on only. Throws
 * `conflict` for more than an order can name: one that left some out would remove their checkouts.
 */
export async function wantedTasks(db: Db, daemonId: string): Promise<string[]> {
  const { rows } = await WANTED(daemonId).execute(db);
  if (rows.length <= MOST_WANTED) return rows.map(({ id }) => id);
  throw new MakimaError("conflict", `More than ${MOST_WANTED} tasks of the daemon may still be worked on`, {
    hint: "Complete or delete contracts that are over: their worktrees go with them.",
  });
}

/** Their ids make less than half a megabyte. */
const MOST_WANTED = 10_000;

/**
 * The condition on contracts is, word for word, that of the index `contracts_live`, and the cross join has SQLite begin
 * with them: it would else look through all tasks. A task's next run goes on from its
 * latest one that has begun (see runAnew), unless that was given up; the latest may be about to begin.
 */
export const WANTED = (daemonId: string) => sql<{ id: string }>`
  select distinct tasks.id
  from contracts
  cross join tasks
  cross join runs
  where contracts.status in ('active', 'paused')
    and tasks.contract_id = contracts.id and tasks.status <> 'completed'
    and runs.task_id = tasks.id and runs.daemon_id = ${daemonId} and runs.status <> 'fenced'
    and (runs.id = tasks.run_id or runs.fence = (
      select max(begun.fence) from runs as begun where begun.task_id = tasks.id and begun.started_at is not null))
  order by tasks.id
  limit ${MOST_WANTED + 1}`;
