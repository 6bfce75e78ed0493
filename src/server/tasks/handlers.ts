import type { Task } from "../../protocol/api.ts";
import { agentOf, listedContract, resolveOwn } from "../auth/scope.ts";
import { changesCursor } from "../changes/changes.ts";
import type { ReadHandlers, WriteContext, WriteHandlers } from "../http/context.ts";
import { listRuns } from "../runs/runs.ts";
import { createTask } from "./create.ts";
import { taskDetail } from "./detail.ts";
import { listTasks } from "./list.ts";
import { messageTask } from "./message.ts";
import { pauseTask } from "./pause.ts";
import { resumeTask } from "./resume.ts";
import { stopTask } from "./stop.ts";
import { updateTask } from "./update.ts";

export const taskReads: Pick<ReadHandlers, "listTasks" | "getTask" | "listRuns"> = {
  async listTasks({ db, principal }, { query }) {
    const cursor = await changesCursor(db);
    const contractId = await listedContract(db, principal, query.contract);
    const filter = { live: query.live === "true", contractId };
    const { items, next } = await listTasks(db, filter, query);
    return { tasks: items, next, cursor };
  },

  async getTask({ db, principal }, { params }) {
    return taskDetail(db, await resolveOwn(db, principal, "tasks", params.id));
  },

  async listRuns({ db, principal }, { params }) {
    return { runs: await listRuns(db, await resolveOwn(db, principal, "tasks", params.id)) };
  },
};

export const taskWrites: Pick<
  WriteHandlers,
  "createTask" | "updateTask" | "stopTask" | "pauseTask" | "resumeTask" | "messageTask"
> = {
  async createTask({ tx, principal }, { params, body }) {
    const cursor = await changesCursor(tx.db);
    const contractId = await resolveOwn(tx.db, principal, "contracts", params.id);
    const parent = body.parent ?? agentOf(principal)?.taskId;
    return { task: await createTask(tx, contractId, parent === undefined ? body : { ...body, parent }), cursor };
  },

  updateTask: (context, { params, body }) =>
    changed(context, params, (id) => updateTask(context.tx, id, context.ifMatch, body)),
  stopTask: (context, { params, body }) => changed(context, params, (id) => stopTask(context.tx, id, body.reason)),
  pauseTask: (context, { params }) => changed(context, params, (id) => pauseTask(context.tx, id)),
  resumeTask: (context, { params, body }) =>
    changed(context, params, (id) => resumeTask(context.tx, id, body.limits, body.message)),
  messageTask: (context, { params, body }) => changed(context, params, (id) => messageTask(context.tx, id, body.text)),
};

async function changed(
  { tx, principal }: WriteContext,
  { id }: { id: string },
  change: (id: string) => Promise<Task>,
): Promise<{ task: Task; cursor: number }> {
  const cursor = await changesCursor(tx.db);
  return { task: await change(await resolveOwn(tx.db, principal, "tasks", id)), cursor };
}
