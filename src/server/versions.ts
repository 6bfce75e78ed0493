import { MakimaError } from "../core/errors.ts";

/**
 * `seen`: the version that the caller wants to change; null: any. Throws `version_conflict` when the present one is
 * another.
 */
export function requireVersion(seen: number | null, present: number): void {
  if (seen === null || seen === present) return;
  throw new MakimaError("version_conflict", `It is at version ${present}, not ${seen}`);
}
