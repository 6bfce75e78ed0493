import { hash as digest, randomBytes } from "node:crypto";
import type { KeyKind } from "../db/tables.ts";

/** Characters of a hash that name its key: enough that no two keys share them. */
const ID_LENGTH = 16;

/** What begins like this is a browser's session, or a person's key. */
export const USER_TOKEN = "mk_user_";

const TOKEN = /^mk_(?:user|daemon|task)_[A-Za-z0-9_-]{43}$/;

/** `mk_<kind>_` and 256 random bits. */
export function newToken(kind: KeyKind | "login"): string {
  return `mk_${kind}_${randomBytes(32).toString("base64url")}`;
}

/** Whether it has the form of a token: what has not need not be looked for. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** SHA-256, hex. A token has 256 random bits, so it needs neither salt nor a slow hash. */
export function hashToken(token: string): string {
  return digest("sha256", token);
}

export function keyId(hash: string): string {
  return hash.slice(0, ID_LENGTH);
}
