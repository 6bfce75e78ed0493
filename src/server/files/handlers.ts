import { resolveOwn } from "../auth/scope.ts";
import type { ReadHandlers, WriteHandlers } from "../http/context.ts";
import { listFiles, readVersion } from "./files.ts";
import { createFile, updateFile } from "./write.ts";

export const fileReads: Pick<ReadHandlers, "listFiles" | "getFile"> = {
  async listFiles({ db, principal }, { params }) {
    return { files: await listFiles(db, await resolveOwn(db, principal, "contracts", params.id)) };
  },

  async getFile({ db, principal }, { params, query }) {
    const id = await resolveOwn(db, principal, "contracts", params.id);
    return readVersion(db, id, params.name, query.version);
  },
};

export const fileWrites: Pick<WriteHandlers, "createFile" | "updateFile"> = {
  async createFile({ tx, principal }, { params, body }) {
    const id = await resolveOwn(tx.db, principal, "contracts", params.id);
    return { file: await createFile(tx, id, body) };
  },

  async updateFile({ tx, principal, ifMatch }, { params, body }) {
    const id = await resolveOwn(tx.db, principal, "contracts", params.id);
    return { file: await updateFile(tx, id, params.name, ifMatch, body) };
  },
};
