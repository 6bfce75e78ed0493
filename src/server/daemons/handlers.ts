import type { ReadHandlers, WriteHandlers } from "../http/context.ts";
import { resolveId } from "../ids.ts";
import { listDaemons } from "./daemons.ts";
import { removeDaemon } from "./remove.ts";

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
