import { openApiDocument } from "../../protocol/openapi.ts";
import { changesCursor } from "../changes/changes.ts";
import { countLiveTasks, stopAllTasks } from "../tasks/stop.ts";
import type { ReadHandlers, WriteHandlers } from "./context.ts";

export const serverReads: Pick<ReadHandlers, "ready" | "openapi" | "serverInfo"> = {
  async ready({ db }) {
    await changesCursor(db);
    return { ok: true };
  },

  async openapi() {
    return openApiDocument();
  },

  async serverInfo({ db, store, facts }) {
    const { version, pid, startedAt } = facts;
    const liveTasks = await countLiveTasks(db);
    return { version, pid, startedAt, liveTasks, database: store.shared ? "postgres" : "sqlite" };
  },
};

export const serverWrites: Pick<WriteHandlers, "shutdown"> = {
  async shutdown({ tx, facts }, { body }) {
    const stopped = body.stopTasks ? await stopAllTasks(tx, "The server was told to stop") : 0;
    facts.shutdown.want(tx, body.stopTasks ? "after-tasks" : "now");
    return { stopped };
  },
};
