import { MakimaError } from "../../core/errors.ts";
import type { Daemon } from "../../protocol/api.ts";
import type { Connection } from "../connect.ts";
import type { Context } from "../context.ts";
import { inline } from "../format.ts";
import { askDaemons } from "./daemons.ts";
import { findId } from "./find-id.ts";

/**
 * Which daemons have worktrees of these tasks, with the ids of those; the server may not know the tasks any more. Throws
 * `ambiguous`, or `not_found` for one that none has.
 */
export async function placesOf(
  asking: { connection: Connection; context: Context },
  daemons: readonly Daemon[],
  given: readonly string[],
): Promise<Map<Daemon, string[]>> {
  const { answers, unanswered } = await askDaemons<"ListWorktrees">(asking, daemons, ({ id: daemon }) => ({
    kind: "ListWorktrees",
    daemon,
  }));
  const held = answers.map(({ daemon, result }) => ({
    daemon,
    ids: result.worktrees.flatMap(({ taskId }) => taskId ?? []),
  }));
  const all = held.flatMap(({ ids }) => ids);
  const tasks = new Set(given.map((task) => findId(all, task, "tasks") ?? notFound(task, unanswered.length > 0)));
  return new Map(
    held.flatMap(({ daemon, ids }) => {
      const own = ids.filter((id) => tasks.has(id));
      return own.length === 0 ? [] : [[daemon, own] as const];
    }),
  );
}

function notFound(task: string, someUnanswered: boolean): never {
  throw new MakimaError("not_found", `No daemon that answered has a worktree of ${inline(task)}`, {
    hint: someUnanswered
      ? "It may be on one that did not: look again when that is online."
      : "List them with `makima worktree list`.",
  });
}
