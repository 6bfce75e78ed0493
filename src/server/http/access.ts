import { MakimaError } from "../../core/errors.ts";
import type { RouteName } from "../../protocol/routes.ts";
import type { Principal } from "../auth/keys.ts";

/** Routes that a task's key may use, each for its own contract only. A user's key may use all, a daemon's none. */
const FOR_TASKS: ReadonlySet<RouteName> = new Set([
  "listContracts",
  "getContract",
  "listTasks",
  "getTask",
  "listStreams",
]);

/** Throws `forbidden`. */
export function requireAccess(principal: Principal, route: RouteName): void {
  if (principal.kind === "user" || (principal.kind === "task" && FOR_TASKS.has(route))) return;
  throw new MakimaError("forbidden", `The key of a ${principal.kind} may not do this`);
}
