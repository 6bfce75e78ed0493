import { MakimaError } from "../../core/errors.ts";
import type { ReadHandlers, WriteHandlers } from "../http/context.ts";
import { resolveId } from "../ids.ts";
import { createKey, listKeys, revokeKey } from "./keys.ts";
import { createLogin } from "./logins.ts";
import { agentOf } from "./scope.ts";

export const keyReads: Pick<ReadHandlers, "listKeys" | "whoAmI"> = {
  async whoAmI({ principal }) {
    const agent = agentOf(principal);
    const { contractId, taskId, runId } = agent ?? { contractId: null, taskId: null, runId: null };
    return { kind: principal.kind, contractId, taskId, runId };
  },

  async listKeys({ store }, { query }) {
    const { items, next } = await listKeys(store, { all: query.all === "true" }, query);
    return { keys: items, next };
  },
};

export const keyWrites: Pick<WriteHandlers, "createKey" | "createLogin" | "revokeKey"> = {
  async createKey({ tx }, { body }) {
    return createKey(tx, body);
  },

  async createLogin({ tx, facts }) {
    return { ...(await createLogin(tx)), publicUrl: facts.publicUrl };
  },

  /** There is always a key left to undo it with: neither the caller's own goes, nor the one that this machine finds. */
  async revokeKey({ tx, principal, facts }, { params }) {
    const id = await resolveId(tx.db, "keys", params.id);
    if (facts.localKeys.has(id)) {
      throw new MakimaError("conflict", `The key ${id} is the one in this server's key file`, {
        hint: "To replace it, remove the file and start the server again.",
      });
    }
    if (id === principal.keyId) {
      throw new MakimaError("conflict", "The request itself was made with this key", {
        hint: "Revoke it with another user key; `makima key create` makes one.",
      });
    }
    return { key: await revokeKey(tx, id) };
  },
};
