import { MINUTE, SECOND } from "../../platform/config/units.ts";
import type { Write } from "../db/store.ts";
import { insertSession } from "./keys.ts";
import { hashToken, newToken } from "./tokens.ts";

/** How long a code can be exchanged: enough to get to a browser, and too short to be found later in some history. */
const CODE_LIVES = 5 * MINUTE;

/** How long a browser stays logged in (s): a working week and the weekend. */
export const SESSION_LIVES = 7 * 24 * 60 * 60;

/** A code that logs a browser in, once. Only its hash is kept. */
export async function createLogin(tx: Write): Promise<{ code: string; expiresAt: number }> {
  // Most are never used, and nothing else would remove them.
  await tx.db.deleteFrom("logins").where("expires_at", "<=", tx.now).execute();
  const code = newToken("login");
  const expiresAt = tx.now + CODE_LIVES;
  await tx.db
    .insertInto("logins")
    .values({ hash: hashToken(code), expires_at: expiresAt })
    .execute();
  return { code, expiresAt };
}

/** Uses a code up, and gives the token of a new session for it; null where it was used, has expired or never was one. */
export async function redeemLogin(tx: Write, code: string): Promise<string | null> {
  const { numDeletedRows } = await tx.db
    .deleteFrom("logins")
    .where("hash", "=", hashToken(code))
    .where("expires_at", ">", tx.now)
    .executeTakeFirst();
  if (numDeletedRows === 0n) return null;
  const token = newToken("user");
  await insertSession(tx, token, tx.now + SESSION_LIVES * SECOND);
  return token;
}
