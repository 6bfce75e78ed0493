import { createHash, randomBytes } from "node:crypto";
import type { KeyKind } from "../db/tables.ts";

/** Characters of a hash that name its key: enough that no two keys share them. */
const ID_LENGTH = 16;

/** `mk_<kind>_` and 256 random bits. */
export function newToken(kind: KeyKind): string {
  return `mk_${kind}_${randomBytes(32).toString("base64url")}`;
}

/** SHA-256, hex. A token has 256 random bits, so it needs neither salt nor a slow hash. */
export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

export function keyId(hash: string): string {
  return hash.slice(0, ID_LENGTH);
}
