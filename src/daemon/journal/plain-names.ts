import { MakimaError } from "../../core/errors.ts";

/** What is part of a path must be a name and nothing else: a server is trusted for tasks, not for paths. */
const PLAIN_NAME = /^\w[\w-]{0,99}$/;

/** Throws `invalid_request` unless each of `ids` can be part of a path; `whose` says whose they are. */
export function requirePlainNames(whose: string, ids: readonly string[]): void {
  if (ids.every((id) => PLAIN_NAME.test(id))) return;
  throw new MakimaError("invalid_request", `The ${whose}'s ids are no names`);
}
