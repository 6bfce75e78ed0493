import { randomBytes } from "node:crypto";
import { MakimaError } from "../core/errors.ts";
import { uuidv7 } from "../core/ids.ts";
import type { Db } from "./db/store.ts";

/** Characters of a UUID. */
const FULL_LENGTH = 36;

export function newId(now: number): string {
  return uuidv7(now, randomBytes(10));
}

type NamedTable = "contracts" | "tasks" | "runs" | "daemons" | "keys" | "questions" | "notifications";

/**
 * The full id that `given` stands for: the id itself, or an unambiguous beginning or end of it. People copy the end,
 * because UUIDv7s of the same moment begin alike. Throws `not_found` or `ambiguous`.
 */
export async function resolveId(db: Db, table: NamedTable, given: string): Promise<string> {
  const noun = table.slice(0, -1);
  // Nothing else occurs in an id, LIKE's wildcards least of all.
  if (!/^[0-9a-f-]+$/i.test(given)) throw new MakimaError("not_found", `There is no ${noun} ${given}`);
  const text = given.toLowerCase();
  const ids = db.selectFrom(table).select("id").limit(2);
  const matches =
    text.length === FULL_LENGTH
      ? await ids.where("id", "=", text).execute()
      : await ids.where((eb) => eb.or([eb("id", "like", `${text}%`), eb("id", "like", `%${text}`)])).execute();
  const [match, other] = matches;
  if (match === undefined) throw new MakimaError("not_found", `There is no ${noun} ${given}`);
  if (other !== undefined) throw new MakimaError("ambiguous", `${given} is the beginning or end of several ${table}`);
  return match.id;
}
