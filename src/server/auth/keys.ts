import type { Insertable, Selectable } from "kysely";
import { timingSafeEqual } from "node:crypto";
import { MakimaError } from "../../core/errors.ts";
import type { Key } from "../../protocol/api.ts";
import type { Db, Store, Write } from "../db/store.ts";
import type { KeysTable } from "../db/tables.ts";
import { newestFirst } from "../pages.ts";
import type { PageOf, PageRequest } from "../pages.ts";
import { hashToken, isToken, keyId, newToken } from "./tokens.ts";

/** Who makes a request. */
export type Principal = { kind: "user" | "daemon"; keyId: string } | AgentPrincipal;

/** The agent of a task, or of one that supervises its contract: bound to that contract, and to its run. */
export interface AgentPrincipal {
  kind: "task" | "supervisor";
  keyId: string;
  contractId: string;
  taskId: string;
  runId: string;
}

/** Wake-up topic of one key: it has been revoked. */
export function keyTopic(id: string): string {
  return `key/${id}`;
}

/** null: not a key, or one that has been revoked or has expired. */
export async function authenticate(
  { db, clock }: Pick<Store, "db" | "clock">,
  token: string,
): Promise<Principal | null> {
  if (!isToken(token)) return null;
  const hash = hashToken(token);
  const key = await db
    .selectFrom("keys")
    .leftJoin("runs", "runs.id", "keys.run_id")
    .select(["keys.id", "keys.hash", "keys.kind", "keys.supervisor", "keys.contract_id", "keys.run_id", "runs.task_id"])
    .where("keys.id", "=", keyId(hash))
    .where("keys.revoked_at", "is", null)
    .where((eb) => eb.or([eb("keys.expires_at", "is", null), eb("keys.expires_at", ">", clock.now())]))
    .executeTakeFirst();
  if (key === undefined || !timingSafeEqual(Buffer.from(hash), Buffer.from(key.hash))) return null;
  if (key.kind !== "task") return { kind: key.kind, keyId: key.id };
  const { contract_id: contractId, run_id: runId, task_id: taskId } = key;
  if (contractId === null || runId === null || taskId === null) return null;
  return { kind: key.supervisor === 1 ? "supervisor" : "task", keyId: key.id, contractId, taskId, runId };
}

/** When a key ends (epoch ms; 0: it was revoked); null: not by itself. */
export async function keyEnd(db: Db, id: string): Promise<number | null> {
  const query = db.selectFrom("keys").select(["revoked_at", "expires_at"]).where("id", "=", id);
  const { revoked_at: revokedAt, expires_at: expiresAt } = await query.executeTakeFirstOrThrow();
  return revokedAt === null ? expiresAt : 0;
}

/** A key for a person or a daemon, and its token, which is kept nowhere. */
export async function createKey(
  tx: Write,
  { kind, name }: { kind: "user" | "daemon"; name: string },
): Promise<{ key: Key; token: string }> {
  if (isLocalName(name)) throw new MakimaError("invalid_request", `name: ${name} is for the keys of key files`);
  const token = newToken(kind);
  const id = await insertKey(tx, token, { kind, name, ...UNBOUND });
  return { key: await getKey(tx.db, id), token };
}

/**
 * The key of a run's agent. Only its hash is stored; the token is kept by whoever it is for. `supervisor`: its task
 * supervises the contract.
 */
export async function insertTaskKey(
  tx: Write,
  token: string,
  { contractId, runId, supervisor }: { contractId: string; runId: string; supervisor: boolean },
): Promise<void> {
  const scope = { contract_id: contractId, run_id: runId, supervisor: supervisor ? (1 as const) : (0 as const) };
  await insertKey(tx, token, { kind: "task", name: null, ...scope, expires_at: null });
}

/** The key of a browser that a person has logged in; it can do what a person's key can. */
export async function insertSession(tx: Write, token: string, expiresAt: number): Promise<void> {
  await insertKey(tx, token, { kind: "user", name: "browser", ...UNBOUND, expires_at: expiresAt });
}

/** Ends the session with this key; any other key stays as it is. */
export async function endSession(tx: Write, id: string): Promise<void> {
  await tx.db
    .updateTable("keys")
    .set({ revoked_at: tx.now })
    .where("id", "=", id)
    .where("expires_at", "is not", null)
    .where("revoked_at", "is", null)
    .execute();
  tx.wake(keyTopic(id));
}

/** Makes `token` the key of a key file, which `name` tells from those of other machines; its earlier one is revoked. */
export async function replaceLocalKey(
  tx: Write,
  { kind, name, token }: { kind: "user" | "daemon"; name: string; token: string },
): Promise<void> {
  const earlier = await tx.db
    .updateTable("keys")
    .set({ revoked_at: tx.now })
    .where("kind", "=", kind)
    .where("name", "=", name)
    .where("revoked_at", "is", null)
    .returning("id")
    .execute();
  for (const { id } of earlier) tx.wake(keyTopic(id));
  await insertKey(tx, token, { kind, name, ...UNBOUND });
}

/** Newest first; without `all` only those of people and daemons that are valid. */
export async function listKeys(
  { db, clock }: Pick<Store, "db" | "clock">,
  { all }: { all: boolean },
  page: PageRequest,
): Promise<PageOf<Key>> {
  let query = db.selectFrom("keys").selectAll();
  if (!all) {
    query = query
      .where("kind", "!=", "task")
      .where("revoked_at", "is", null)
      .where((eb) => eb.or([eb("expires_at", "is", null), eb("expires_at", ">", clock.now())]));
  }
  if (page.cursor !== undefined) {
    // Ids of keys are hashes and say nothing about age, so the place of the page's last key is looked up.
    const last = await db.selectFrom("keys").selectAll().where("id", "=", page.cursor).executeTakeFirst();
    if (last === undefined) throw new MakimaError("invalid_request", "cursor: not one that this server gave");
    query = query.where((eb) =>
      eb.or([
        eb("created_at", "<", last.created_at),
        eb.and([eb("created_at", "=", last.created_at), eb("id", "<", last.id)]),
      ]),
    );
  }
  const rows = await query
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(page.limit + 1)
    .execute();
  return newestFirst(rows.map(toKey), page);
}

/** Ends a key, and with it what is connected under it. One that has ended already stays as it is. Throws `not_found`. */
export async function revokeKey(tx: Write, id: string): Promise<Key> {
  await tx.db
    .updateTable("keys")
    .set({ revoked_at: tx.now })
    .where("id", "=", id)
    .where("revoked_at", "is", null)
    .execute();
  tx.wake(keyTopic(id));
  return getKey(tx.db, id);
}

/** A task's key lives as long as its run. */
export async function revokeRunKeys(tx: Write, runId: string): Promise<void> {
  const keys = await tx.db
    .updateTable("keys")
    .set({ revoked_at: tx.now })
    .where("run_id", "=", runId)
    .where("revoked_at", "is", null)
    .returning("id")
    .execute();
  for (const { id } of keys) tx.wake(keyTopic(id));
}

const LOCAL = "local";

/** Name of a key file's key: servers that share a database have one each. `place`: the machine and directory. */
export function localName(place: string | null): string {
  return place === null ? LOCAL : `${LOCAL} ${place}`;
}

function isLocalName(name: string): boolean {
  return name === LOCAL || name.startsWith(`${LOCAL} `);
}

/** The key of a person or a daemon. */
const UNBOUND = { contract_id: null, run_id: null, supervisor: 0, expires_at: null } as const;

async function insertKey(
  tx: Write,
  token: string,
  scope: Omit<Insertable<KeysTable>, "id" | "hash" | "created_at" | "revoked_at">,
): Promise<string> {
  const hash = hashToken(token);
  const id = keyId(hash);
  await tx.db
    .insertInto("keys")
    .values({ id, hash, ...scope, created_at: tx.now, revoked_at: null })
    .execute();
  return id;
}

async function getKey(db: Db, id: string): Promise<Key> {
  const row = await db.selectFrom("keys").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new MakimaError("not_found", `There is no key ${id}`);
  return toKey(row);
}

function toKey(row: Selectable<KeysTable>): Key {
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    contractId: row.contract_id,
    runId: row.run_id,
    createdAt: row.created_at,
    revokedAt: row.revoked_at,
    expiresAt: row.expires_at,
  };
}
