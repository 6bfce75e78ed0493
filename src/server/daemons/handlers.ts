import type { ReadHandlers, WriteHandlers } from "../http/context.ts";
import { resolveId } from "../ids.ts";
import { listDaemons, removeDaemon } from "./daemons.ts";

export const daemonReads: Pick<ReadHandlers, "listDaemons"> = {
  async listDaemons({ db }) {
    return { daemons: await listDaemons(db) };
  },
};

export const daemonWrites: Pick<WriteHandlers, "removeDaemon"> = {
  async removeDaemon({ tx }, { params }) {
    return { daemon: await removeDaemon(tx, await resolveId(tx.db, "daemons", params.id)) };
  },
};
