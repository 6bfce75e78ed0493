import { MakimaError } from "../core/errors.ts";

/** The database does not answer. That is told once, by the store: who meets it needs no words of its own. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof MakimaError && error.code === "database_unavailable";
}
