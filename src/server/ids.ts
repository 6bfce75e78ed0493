import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { randomBytes } from "node:crypto";
import { MakimaError } from "../core/errors.ts";
import { uuidv7 } from "../core/ids.ts";
import type { Db } from "./db/store.ts";

/** Characters of a UUID. */
const FULL_LENGTH = 36;

export function newId(now: number): string {
  return uuidv7(now, randomBytes(10));
}

/** Whether `given` is as long as an id, and can only stand for itself. */
export function isFullId(given: string): boolean {
  return given.length === FULL_LENGTH;
}

/** Whether text from outside is such an id, in the one way in which they are written. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

export type NamedTable =
  | "contracts"
  | "tasks"
  | "runs"
  | "daemons"
  | "keys"
  | "questions"
  | "notifications"
  | "operations";

/**
 * The full id that `given` stands for: the id itself, or an unambiguous beginning or end of it. People copy the end,
 * because UUIDv7s of the same moment begin alike. Throws `not_found` or `ambiguous`.
 */
export async function resolveId(db: Db, table: NamedTable, given: string): Promise<string> {
  return resolveAmong(db, sql`${sql.table(table)}`, table, given);
}

/** The same among some rows of the table only: something that a query can select `id` from. */
export async function resolveAmong(
  db: Db,
  rows: RawBuilder<unknown>,
  table: NamedTable,
  given: string,
): Promise<string> {
  // Nothing else occurs in an id, LIKE's wildcards least of all.
  if (!/^[0-9a-f-]+$/i.test(given)) throw unknownId(table, given);
  const text = given.toLowerCase();
  const ids = db
    .selectFrom(sql<{ id: string }>`${rows}`.as("named"))
    .select("named.id")
    .limit(2);
  const matches = isFullId(text)
    ? await ids.where("named.id", "=", text).execute()
    : await ids
        .where((eb) => eb.or([eb("named.id", "like", `${text}%`), eb("named.id", "like", `%${text}`)]))
        .execute();
  const [match, other] = matches;
  if (match === undefined) throw unknownId(table, given);
  if (other !== undefined) throw new MakimaError("ambiguous", `${given} is the beginning or end of several ${table}`);
  return match.id;
}

function unknownId(table: NamedTable, given: string): MakimaError {
  const noun = table.slice(0, -1);
  const hint = LISTED.includes(table) ? { hint: `List them with \`makima ${noun} list\`.` } : {};
  return new MakimaError("not_found", `There is no ${noun} ${given}`, hint);
}

/** What has a list of its own; of the rest the list of tasks tells. */
const LISTED: readonly NamedTable[] = ["contracts", "daemons", "keys", "questions", "notifications"];
