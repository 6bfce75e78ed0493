import type { Selectable } from "kysely";
import type { Labels } from "../../protocol/labels.ts";
import { LINK_DEAD_AFTER } from "../../protocol/link.ts";
import { toJson } from "../db/json.ts";
import type { Db, Write } from "../db/store.ts";
import type { DaemonsTable } from "../db/tables.ts";
import { DISPATCH_TOPIC } from "../db/wakeups.ts";
import { slices } from "../slices.ts";
import { publishDaemon, publishReachability } from "./daemons.ts";

/**
 * A daemon's identity is held by one connection at a time, over all servers: the one that the daemon's row names. What a
 * connection writes for its daemon, it writes in a transaction that proves that it still holds the identity.
 */
export interface Holder {
  daemonId: string;
  linkId: string;
}

/** How a daemon introduces itself. `instance` names its present start. */
export interface Introduction {
  id: string;
  instance: string;
  name: string;
  host: string;
  maxTasks: number;
  labels: Labels;
}

/** The connection that a daemon introduces itself over, and the key that this was opened with. */
export interface Claim {
  linkId: string;
  keyId: string;
}

/** Why a connection does not get an identity: another start of the daemon has it, or it is another key's. */
export type Denial = { kind: "held"; host: string } | { kind: "bound"; keyId: string };

/** Woken when a connection has lost an identity without having let go of it. */
export function identityTopic(daemonId: string): string {
  return `identity/${daemonId}`;
}

/**
 * Gives the identity to a connection: its tasks can be reached again, and it may get new ones. Changes nothing where it is
 * denied.
 */
export async function takeIdentity(
  tx: Write,
  { id, maxTasks, labels, ...names }: Introduction,
  { linkId, keyId }: Claim,
): Promise<Denial | null> {
  const before = await tx.db.selectFrom("daemons").selectAll().where("id", "=", id).executeTakeFirst();
  if (before !== undefined && (await isBoundToAnother(tx.db, before, keyId))) {
    return { kind: "bound", keyId: before.key_id ?? "" };
  }
  if (before !== undefined && isHeldByAnother(before, names.instance, tx.now))
    return { kind: "held", host: before.host };
  const shown = { name: names.name, host: names.host, max_tasks: maxTasks, labels: toJson(labels), online: 1 } as const;
  const columns = { ...shown, instance: names.instance, link_id: linkId, key_id: keyId, last_seen_at: tx.now };
  await tx.db
    .insertInto("daemons")
    .values({ id, ...columns })
    .onConflict((it) => it.column("id").doUpdateSet(columns))
    .execute();
  if (before !== undefined && before.link_id !== null) tx.wake(identityTopic(id));
  if (before === undefined || !shows(before, shown)) await publishDaemon(tx, id);
  if (before?.online !== 1) await publishReachability(tx, id);
  tx.wake(DISPATCH_TOPIC);
  return null;
}

/** The connection is over. Nothing happens when it no longer holds the identity. */
export async function releaseIdentity(tx: Write, { daemonId, linkId }: Holder): Promise<void> {
  const row = await goOffline(tx, daemonId).where("link_id", "=", linkId).executeTakeFirst();
  if (row !== undefined) await publishOffline(tx, daemonId);
}

/** Whoever holds the identity has given no sign of life since `lastSeenAt`. Nothing happens when it has meanwhile. */
export async function loseIdentity(tx: Write, daemonId: string, lastSeenAt: number): Promise<void> {
  const row = await goOffline(tx, daemonId).where("last_seen_at", "=", lastSeenAt).executeTakeFirst();
  if (row === undefined) return;
  tx.wake(identityTopic(daemonId));
  await publishOffline(tx, daemonId);
}

/** After the start of a database's only server nobody is connected, whatever the one before could still write down. */
export async function disconnectAll(tx: Write): Promise<void> {
  const online = await tx.db.selectFrom("daemons").select(["id", "last_seen_at"]).where("online", "=", 1).execute();
  for (const { id, last_seen_at } of online) await loseIdentity(tx, id, last_seen_at);
}

/** Notes a sign of life of each; gives the ids of the links that still hold their identity. */
export async function keepIdentities(tx: Write, holders: readonly Holder[]): Promise<Set<string>> {
  const kept = new Set<string>();
  for (const some of slices(holders)) {
    const ids = some.map(({ daemonId }) => daemonId);
    const links = some.map(({ linkId }) => linkId);
    const rows = await tx.db
      .updateTable("daemons")
      .set({ last_seen_at: tx.now })
      .where("id", "in", ids)
      .where("link_id", "in", links)
      .returning("link_id")
      .execute();
    for (const { link_id } of rows) if (link_id !== null) kept.add(link_id);
  }
  return kept;
}

export async function holdsIdentity(db: Db, { daemonId, linkId }: Holder): Promise<boolean> {
  const daemons = db.selectFrom("daemons").select("id").where("id", "=", daemonId);
  return (await daemons.where("link_id", "=", linkId).executeTakeFirst()) !== undefined;
}

/** While that key is valid: whoever has a daemon's key must not get at the tasks of other machines. */
async function isBoundToAnother(db: Db, { key_id }: Selectable<DaemonsTable>, keyId: string): Promise<boolean> {
  if (key_id === null || key_id === keyId) return false;
  const valid = db.selectFrom("keys").select("id").where("id", "=", key_id).where("revoked_at", "is", null);
  return (await valid.executeTakeFirst()) !== undefined;
}

/**
 * The same start of a daemon that comes back has lost its connection, whether or not that has been noticed. One that was
 * not heard for so long is gone, also when its server could not say so; a sign of life from far ahead is one from before
 * the clock was set back.
 */
function isHeldByAnother(row: Selectable<DaemonsTable>, instance: string, now: number): boolean {
  return row.link_id !== null && row.instance !== instance && Math.abs(now - row.last_seen_at) <= LINK_DEAD_AFTER;
}

/** Whether what people see of the daemon is that already: the feed tells of changes, not of every connection. */
function shows(row: Selectable<DaemonsTable>, shown: Partial<Selectable<DaemonsTable>>): boolean {
  return Object.entries(shown).every(([column, value]) => row[column as keyof DaemonsTable] === value);
}

function goOffline(tx: Write, daemonId: string) {
  return tx.db
    .updateTable("daemons")
    .set({ online: 0, link_id: null })
    .where("id", "=", daemonId)
    .where("online", "=", 1)
    .returning("id");
}

/** Its tasks go on, out of sight: they are shown as unreachable, and nothing else happens to them. */
async function publishOffline(tx: Write, daemonId: string): Promise<void> {
  await publishDaemon(tx, daemonId);
  await publishReachability(tx, daemonId);
}
