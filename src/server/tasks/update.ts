import { MakimaError } from "../../core/errors.ts";
import type { Parsed, Task } from "../../protocol/api.ts";
import { fromJson, toJson } from "../db/json.ts";
import type { Write } from "../db/store.ts";
import { DISPATCH_TOPIC } from "../db/wakeups.ts";
import { nudgeIdle } from "../messages/nudge.ts";
import { requireVersion } from "../versions.ts";
import { changeTask } from "./change.ts";
import { resolveDependencies, setDependencies } from "./dependencies.ts";
import { queueOfRow, taskRow } from "./rows.ts";
import { getTask, publishTask } from "./view.ts";

/**
 * Changes what the request names. Throws `version_conflict`, `conflict` when the task has been started and cannot wait
 * or ask any more, `invalid_request` or `not_found` for tasks that it cannot wait for.
 */
export async function updateTask(
  tx: Write,
  id: string,
  seen: number | null,
  { name, after, labels }: Parsed<"updateTask">["body"],
): Promise<Task> {
  const task = await taskRow(tx.db, id);
  requireVersion(seen, task.version);
  if (name === undefined && after === undefined && labels === undefined) return getTask(tx.db, id);
  if ((after !== undefined || labels !== undefined) && task.status !== "pending") {
    throw new MakimaError("conflict", `The task is ${task.status}: only a pending one can change what it waits for`, {
      hint: "Its name can be changed at any time.",
    });
  }
  if (after !== undefined) await setDependencies(tx, task, await resolveDependencies(tx.db, task.contract_id, after));
  const asked = labels ?? fromJson(task.labels);
  await changeTask(tx, id, {
    ...(name === undefined ? {} : { name }),
    labels: toJson(asked),
    queue: queueOfRow(task, asked, task.home),
  });
  tx.wake(DISPATCH_TOPIC);
  const changed = await publishTask(tx, id);
  // It may wait now for what never comes about.
  await nudgeIdle(tx, task.contract_id);
  return changed;
}
