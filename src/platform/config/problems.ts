import type { z } from "zod";
import { MakimaError } from "../../core/errors.ts";
import { nearest } from "./nearest.ts";

/** One thing that is wrong: the key it concerns, from the top of the document, and what to say of it. */
export interface Problem {
  path: readonly PropertyKey[];
  message: string;
}

/** Turns a schema's issues into problems, one for each key; `keysAt` names the keys that the table at a path may have. */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  keysAt: (path: readonly PropertyKey[]) => readonly string[],
): Problem[] {
  return issues.flatMap((issue) => {
    if (issue.code !== "unrecognized_keys") return [{ path: issue.path, message: messageOf(issue) }];
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      message: unknownName("key", key, keysAt(issue.path)),
    }));
  });
}

function messageOf(issue: z.core.$ZodIssue): string {
  return issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message;
}

/** "unknown key, did you mean maxIterations?" */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const guess = nearest(name, known);
  return guess === null ? `unknown ${what}` : `unknown ${what}, did you mean ${guess}?`;
}

/** One error with a line for each problem, in the order of the places; nothing when there is none. */
export function throwProblems(problems: readonly Problem[], whereIs: (path: readonly PropertyKey[]) => string): void {
  if (problems.length === 0) return;
  const lines = problems.map(({ path, message }) => [whereIs(path), path.map(String).join("."), message].join(": "));
  throw new MakimaError("config_invalid", lines.toSorted(byPlace).join("\n"));
}

/** Numbers inside the text compare as numbers: line 9 comes before line 10. */
function byPlace(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
