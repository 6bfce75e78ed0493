import { timingSafeEqual } from "node:crypto";
import type { Db, Write } from "../db/store.ts";
import { hashToken, keyId } from "./tokens.ts";

/** Who makes a request. A task's key is bound to its contract and its run. */
export type Principal =
  | { kind: "user" | "daemon"; keyId: string }
  | { kind: "task"; keyId: string; contractId: string };

/** The key of a run's agent. Only its hash is stored; the token is kept by whoever it is for. */
export async function insertTaskKey(tx: Write, token: string, contractId: string, runId: string): Promise<void> {
  const scope = { kind: "task", name: null, contract_id: contractId, run_id: runId } as const;
  await tx.db
    .insertInto("keys")
    .values({ ...keyColumns(tx, token), ...scope })
    .execute();
}

/** Makes `token` the key of this machine's key file; the one before it stops working. */
export async function replaceLocalKey(tx: Write, kind: "user" | "daemon", token: string): Promise<void> {
  await tx.db
    .updateTable("keys")
    .set({ revoked_at: tx.now })
    .where("kind", "=", kind)
    .where("name", "=", LOCAL)
    .where("revoked_at", "is", null)
    .execute();
  const scope = { kind, name: LOCAL, contract_id: null, run_id: null };
  await tx.db
    .insertInto("keys")
    .values({ ...keyColumns(tx, token), ...scope })
    .execute();
}

/** null: not a key, or one that has been revoked. */
export async function authenticate(db: Db, token: string): Promise<Principal | null> {
  const hash = hashToken(token);
  const key = await db
    .selectFrom("keys")
    .select(["id", "hash", "kind", "contract_id"])
    .where("id", "=", keyId(hash))
    .where("revoked_at", "is", null)
    .executeTakeFirst();
  if (key === undefined || !timingSafeEqual(Buffer.from(hash), Buffer.from(key.hash))) return null;
  if (key.kind !== "task") return { kind: key.kind, keyId: key.id };
  return key.contract_id === null ? null : { kind: "task", keyId: key.id, contractId: key.contract_id };
}

/** A task's key lives as long as its run. */
export async function revokeRunKeys(tx: Write, runId: string): Promise<void> {
  await tx.db
    .updateTable("keys")
    .set({ revoked_at: tx.now })
    .where("run_id", "=", runId)
    .where("revoked_at", "is", null)
    .execute();
}

const LOCAL = "local";

function keyColumns(tx: Write, token: string) {
  const hash = hashToken(token);
  return { id: keyId(hash), hash, created_at: tx.now, revoked_at: null };
}
