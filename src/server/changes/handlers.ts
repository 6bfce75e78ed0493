import type { ReadHandlers } from "../http/context.ts";
import { changesCursor, readChanges } from "./changes.ts";

export const changeReads: Pick<ReadHandlers, "listChanges"> = {
  async listChanges({ db }, { query }) {
    return { changes: await readChanges(db, query.from, query.limit), latest: await changesCursor(db) };
  },
};
