import { MakimaError } from "../../core/errors.ts";
import type { Daemon } from "../../protocol/api.ts";
import type { Salvaged } from "../../protocol/operations.ts";
import type { Connection } from "../connect.ts";
import type { Context } from "../context.ts";
import { inline } from "../format.ts";
import { askDaemons } from "./daemons.ts";
import { findId } from "./find-id.ts";

export interface SalvagedRef {
  daemon: Daemon;
  ref: string;
}

/** What was salvaged under a ref, or of a task. Throws `not_found`, or `ambiguous` where it is not one. */
export async function findSalvaged(
  asking: { connection: Connection; context: Context },
  daemons: readonly Daemon[],
  what: string,
): Promise<SalvagedRef> {
  const [only, another] = daemons;
  // Spares the look at all that there is, which may be more than fits an answer.
  if (isRef(what) && only !== undefined && another === undefined) return { daemon: only, ref: what };
  const { answers, unanswered } = await askDaemons<"ListWorktrees">(asking, daemons, ({ id: daemon }) => ({
    kind: "ListWorktrees",
    daemon,
    salvaged: true,
  }));
  const all = answers.flatMap(({ daemon, result }) => result.salvaged.map((salvaged) => ({ daemon, ...salvaged })));
  const ids = all.map(({ taskId }) => taskId);
  const task = isRef(what) ? null : findId(ids, what, "tasks");
  const meant = all.filter(({ ref, taskId }) => ref === what || taskId === task);
  // Two daemons of one machine may have worked in the same repository, and both name what is in it.
  const [found, other] = new Map(meant.map((one) => [placeOf(one), one])).values();
  if (found === undefined) throw notFound(what, unanswered.length > 0);
  if (other === undefined) return found;
  throw new MakimaError("ambiguous", `Of ${inline(what)} more than one state was salvaged`, {
    hint: "Name its ref and --daemon: `makima worktree list --salvaged` lists them.",
  });
}

function placeOf({ daemon, repository, ref }: SalvagedRef & Salvaged): string {
  return JSON.stringify([daemon.host, repository, ref]);
}

function isRef(what: string): boolean {
  return what.startsWith("refs/");
}

function notFound(what: string, someUnanswered: boolean): MakimaError {
  return new MakimaError("not_found", `Nothing was salvaged of ${inline(what)}`, {
    hint: someUnanswered
      ? "It may be on a daemon that did not answer: look again when that is online."
      : "`makima worktree list --salvaged` lists what there is.",
  });
}
