import type { Write } from "../db/store.ts";
import { requeueTask } from "../tasks/requeue.ts";

/**
 * Gives up the live runs that a daemon, asked as it connects, does not know of though it has once taken them up: after a
 * power cut its journal may lack them, or lack so much that it had to put them aside. Nobody works on them.
 */
export async function requeueForgotten(tx: Write, daemonId: string, known: ReadonlySet<string>): Promise<void> {
  const taken = await tx.db
    .selectFrom("runs")
    .innerJoin("commands", "commands.run_id", "runs.id")
    .select(["runs.id", "runs.task_id as taskId"])
    .where("runs.daemon_id", "=", daemonId)
    .where("runs.ended_at", "is", null)
    .where("commands.kind", "=", "SpawnTask")
    .where("commands.done_at", "is not", null)
    .execute();
  for (const { id, taskId } of taken) {
    if (!known.has(id)) await requeueTask(tx, taskId, "Its daemon has lost the run");
  }
}
