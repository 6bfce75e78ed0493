import type { Task } from "../../protocol/api.ts";
import { ownContract, requireOwn } from "../auth/scope.ts";
import { changesCursor } from "../changes/changes.ts";
import type { Write } from "../db/store.ts";
import type { ReadHandlers, WriteHandlers } from "../http/context.ts";
import { resolveId } from "../ids.ts";
import { listRuns } from "../runs/runs.ts";
import { createTask } from "./create.ts";
import { taskDetail } from "./detail.ts";
import { listTasks } from "./list.ts";
import { messageTask } from "./message.ts";
import { pauseTask } from "./pause.ts";
import { resumeTask } from "./resume.ts";
import { stopTask } from "./stop.ts";
import { updateTask } from "./update.ts";
import { getTask } from "./view.ts";

export const taskReads: Pick<ReadHandlers, "listTasks" | "getTask" | "listRuns"> = {
  async listTasks({ db, principal }, { query }) {
    const cursor = await changesCursor(db);
    const asked = query.contract === undefined ? null : await resolveId(db, "contracts", query.contract);
    if (asked !== null) requireOwn(principal, asked);
    const filter = { live: query.live === "true", contractId: asked ?? ownContract(principal) };
    const { items, next } = await listTasks(db, filter, query);
    return { tasks: items, next, cursor };
  },

  async getTask({ db, principal }, { params }) {
    const detail = await taskDetail(db, await resolveId(db, "tasks", params.id));
    requireOwn(principal, detail.contract.id);
    return detail;
  },

  async listRuns({ db, principal }, { params }) {
    const task = await getTask(db, await resolveId(db, "tasks", params.id));
    requireOwn(principal, task.contractId);
    return { runs: await listRuns(db, task.id) };
  },
};

export const taskWrites: Pick<
  WriteHandlers,
  "createTask" | "updateTask" | "stopTask" | "pauseTask" | "resumeTask" | "messageTask"
> = {
  async createTask({ tx }, { params, body }) {
    const cursor = await changesCursor(tx.db);
    return { task: await createTask(tx, await resolveId(tx.db, "contracts", params.id), body), cursor };
  },

  updateTask: ({ tx, ifMatch }, { params, body }) => changed(tx, params, (id) => updateTask(tx, id, ifMatch, body)),
  stopTask: ({ tx }, { params, body }) => changed(tx, params, (id) => stopTask(tx, id, body.reason)),
  pauseTask: ({ tx }, { params }) => changed(tx, params, (id) => pauseTask(tx, id)),
  resumeTask: ({ tx }, { params, body }) => changed(tx, params, (id) => resumeTask(tx, id, body.limits)),
  messageTask: ({ tx }, { params, body }) => changed(tx, params, (id) => messageTask(tx, id, body.text)),
};

async function changed(
  tx: Write,
  { id }: { id: string },
  change: (id: string) => Promise<Task>,
): Promise<{ task: Task; cursor: number }> {
  const cursor = await changesCursor(tx.db);
  return { task: await change(await resolveId(tx.db, "tasks", id)), cursor };
}
