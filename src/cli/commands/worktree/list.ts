import type { Daemon } from "../../../protocol/api.ts";
import type { OperationResult } from "../../../protocol/operations.ts";
import { CONNECTION_OPTIONS, defineCommand, flag } from "../../command.ts";
import { connect } from "../../connect.ts";
import { inline } from "../../format.ts";
import { askDaemons, chooseDaemons, DAEMON_OPTION, failureOf, identityOf } from "../../worktree/daemons.ts";
import { isOverQuota, salvagedLines, worktreeLines } from "../../worktree/lines.ts";

export const worktreeListCommand = defineCommand({
  details:
    "Of every daemon that is online; one that is not is named on stderr. `in-use`: a run is at work in it; `kept`: its task " +
    "may be resumed; `unwanted`: its task is over or unknown; `unfinished`: half made or half removed; `unknown`: not made by " +
    "makima, and left alone.",
  arguments: [],
  options: {
    salvaged: flag("--salvaged", "What was in no branch when its worktree was removed, instead"),
    ...DAEMON_OPTION,
    ...CONNECTION_OPTIONS,
  },
  examples: [
    ["makima worktree list", "What takes how much room, and where"],
    ["makima worktree list --salvaged", "What `makima worktree restore` can bring back"],
    ["makima worktree list --daemon 3f2a91bc --json", "Of one machine, for a script"],
  ],
  async run(context, { options: { salvaged, daemon: named, ...options } }) {
    const { output } = context;
    const connection = await connect(context, options);
    const daemons = await chooseDaemons(connection, named);
    const asked = await askDaemons<"ListWorktrees">({ connection, context }, daemons, ({ id: daemon }) => ({
      kind: "ListWorktrees",
      daemon,
      salvaged,
    }));
    output.document({
      daemons: asked.answers.map(({ daemon, result }) => ({ ...identityOf(daemon), ...result })),
      unanswered: asked.unanswered.map(({ daemon, error }) => ({ ...identityOf(daemon), error })),
    });
    const now = Date.now();
    for (const [index, { daemon, result }] of asked.answers.entries()) {
      if (index > 0) output.line("");
      const lines = salvaged ? salvagedLines(daemon, result.salvaged, now) : worktreeLines(daemon, result, now);
      for (const line of lines) output.line(line);
      for (const warning of warningsOf(daemon, result)) output.warning(warning);
    }
    const failure = failureOf(asked.unanswered);
    if (failure !== null) throw failure;
    return 0;
  },
});

function warningsOf({ name }: Daemon, result: OperationResult<"ListWorktrees">): string[] {
  const over = isOverQuota(result) ? [`the worktrees of ${inline(name)} pass their quota`] : [];
  return result.truncated ? [...over, `${inline(name)} has more than is shown`] : over;
}
