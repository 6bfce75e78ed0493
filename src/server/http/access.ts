import { MakimaError } from "../../core/errors.ts";
import type { Scope } from "../../protocol/routes.ts";

/** Holds a key against the scopes of a route. Throws `forbidden`. */
export function requireScope(kind: Scope, allowed: readonly Scope[]): void {
  if (allowed.includes(kind)) return;
  throw new MakimaError("forbidden", `The key of a ${kind} may not do this`);
}
