import type { UpdateObject } from "kysely";
import type { Write } from "../db/store.ts";
import type { Tables } from "../db/tables.ts";

export type TaskChange = UpdateObject<Tables, "tasks">;

/** The one way in which a task's row changes: each change is a version of it. */
export async function changeTask(tx: Write, id: string, change: TaskChange): Promise<void> {
  await tx.db
    .updateTable("tasks")
    .set((eb) => ({ ...change, version: eb("version", "+", 1), updated_at: tx.now }))
    .where("id", "=", id)
    .execute();
}
