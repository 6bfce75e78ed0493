import { MakimaError } from "../../core/errors.ts";
import { inline } from "../format.ts";

/**
 * The one among some ids that `given` stands for: itself, or its unambiguous beginning or end. null: there is none.
 * Throws `ambiguous`, with what they are the ids of (`tasks`), and `usage` when nothing is given.
 */
export function findId(ids: readonly string[], given: string, nouns: string): string | null {
  const part = given.trim().toLowerCase();
  if (part === "")
    throw new MakimaError("usage", `One of the ids of ${nouns} is empty`, { hint: "Leave it out, or name one." });
  const matches = new Set(ids.filter((id) => id.startsWith(part) || id.endsWith(part)));
  const [match = null] = matches;
  if (matches.size <= 1) return match;
  throw new MakimaError("ambiguous", `${inline(given)} is the beginning or end of several ${nouns}`);
}
