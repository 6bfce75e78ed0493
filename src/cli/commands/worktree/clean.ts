import { MakimaError } from "../../../core/errors.ts";
import { shortId } from "../../../core/ids.ts";
import { fileSize } from "../../../core/text.ts";
import type { OperationResult } from "../../../protocol/operations.ts";
import { CONNECTION_OPTIONS, defineCommand, flag } from "../../command.ts";
import { connect } from "../../connect.ts";
import type { Context } from "../../context.ts";
import { count, inline } from "../../format.ts";
import { askDaemons, chooseDaemons, DAEMON_OPTION, failureOf, identityOf, nameOf } from "../../worktree/daemons.ts";
import { placesOf } from "../../worktree/places.ts";

export const worktreeCleanCommand = defineCommand({
  details:
    "Without a task, the worktrees whose task is over or unknown, on every daemon that is online. With tasks, theirs, also " +
    "where they could be resumed: that would then start from their branch. What is in no branch is kept first, and " +
    "`makima worktree restore` brings it back. One that is in use stays; where it was asked for, the exit code is 5.",
  arguments: [
    {
      name: "task",
      description: "Id of a task whose worktree is to go, or its unambiguous beginning or end",
      required: false,
      variadic: true,
    },
  ],
  options: {
    dryRun: flag("--dry-run", "Say what would be removed, and remove nothing"),
    ...DAEMON_OPTION,
    ...CONNECTION_OPTIONS,
  },
  examples: [
    ["makima worktree clean --dry-run", "What would go, and how much room that makes"],
    ["makima worktree clean", "Remove what nobody needs, on every machine"],
    ["makima worktree clean 3f2a91bc", "Remove the worktree of a task that failed, and is not to be resumed"],
  ],
  async run(context, { arguments: given, options: { dryRun, daemon: named, ...options } }) {
    const connection = await connect(context, options);
    const online = await chooseDaemons(connection, named);
    const tasks = given.filter((task) => task !== undefined);
    const places = tasks.length === 0 ? null : await placesOf({ connection, context }, online, tasks);
    const daemons = places === null ? online : [...places.keys()];
    const asked = await askDaemons<"CleanWorktrees">({ connection, context }, daemons, (daemon) => ({
      kind: "CleanWorktrees",
      daemon: daemon.id,
      tasks: places?.get(daemon) ?? [],
      dryRun,
    }));
    context.output.document({
      daemons: asked.answers.map(({ daemon, result }) => ({ ...identityOf(daemon), ...result })),
      unanswered: asked.unanswered.map(({ daemon, error }) => ({ ...identityOf(daemon), error })),
    });
    for (const { daemon, result } of asked.answers) tell(context, nameOf(daemon), result, dryRun);
    const failure = failureOf(asked.unanswered);
    if (failure !== null) throw failure;
    const kept = asked.answers.flatMap(({ result }) => result.kept);
    if (places !== null && kept.length > 0) throw keptError(kept.length);
    return 0;
  },
});

type Result = OperationResult<"CleanWorktrees">;

function tell({ output }: Context, daemon: string, { removed, kept, bytes, truncated }: Result, dryRun: boolean): void {
  for (const { taskId, bytes: size, salvage } of removed) {
    const rest = salvage === null ? "" : `; what was in no branch is ${inline(salvage)}`;
    output.line(`${dryRun ? "Would remove" : "Removed"} the worktree of ${shortId(taskId)}, ${fileSize(size)}${rest}`);
  }
  for (const { dir, reason } of kept) output.line(`Kept ${inline(dir)}: ${inline(reason)}`);
  const total = `${count(removed.length, "worktree")}, ${fileSize(bytes)}`;
  if (removed.length > 0) output.line(`${daemon}: ${total} ${dryRun ? "would be removed" : "removed"}`);
  else output.line(`${daemon}: nothing ${dryRun ? "would be" : "was"} removed.`);
  if (removed.some(({ salvage }) => salvage !== null)) {
    output.line("`makima worktree restore TASK` makes a branch of what was kept.");
  }
  if (truncated) output.warning(`${daemon} has more to tell than is shown`);
}

function keptError(number: number): MakimaError {
  return new MakimaError(
    "conflict",
    `${count(number, "worktree")} of those asked for ${number === 1 ? "was" : "were"} kept`,
    {
      hint: "Stop a task that is at work with `makima stop` first.",
    },
  );
}
