import { ownContract } from "../auth/scope.ts";
import type { ReadHandlers } from "../http/context.ts";
import { readFeed } from "./changes.ts";

export const changeReads: Pick<ReadHandlers, "listChanges"> = {
  async listChanges({ db, principal }, { query }) {
    const { changes, cursor, latest } = await readFeed(db, { ...query, contractId: ownContract(principal) });
    return { changes, cursor, latest };
  },
};
