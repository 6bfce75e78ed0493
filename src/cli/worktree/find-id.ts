import { MakimaError } from "../../core/errors.ts";
import { inline } from "../format.ts";

/**
 * The one among some ids that `given` stands for: itself, or its unambiguous beginning or end. null: there is none.
 * Throws `ambiguous`, with what they are the ids of (`tasks`).
 */
export function findId(ids: readonly string[], given: string, nouns: string): string | null {
  const part = given.trim().toLowerCase();
  const matches = new Set(part === "" ? [] : ids.filter((id) => id.startsWith(part) || id.endsWith(part)));
  const [match = null] = matches;
  if (matches.size <= 1) return match;
  throw new MakimaError("ambiguous", `${inline(given)} is the beginning or end of several ${nouns}`);
}
