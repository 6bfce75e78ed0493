import { shortId } from "../../../core/ids.ts";
import type { Daemon } from "../../../protocol/api.ts";
import { CONNECTION_OPTIONS, defineCommand } from "../../command.ts";
import { connect } from "../../connect.ts";
import { clockTime, inline, labelText, table } from "../../format.ts";
import { sizeText } from "../../worktree/lines.ts";

export const daemonListCommand = defineCommand({
  arguments: [],
  options: CONNECTION_OPTIONS,
  examples: [["makima daemon list", "Who can work, and how much of that is in use"]],
  async run(context, { options }) {
    const { output } = context;
    const { call } = await connect(context, options);
    const { daemons } = await call("listDaemons", {});
    output.document({ daemons });
    if (daemons.length === 0) output.line("No daemon has joined this server yet.");
    else for (const line of daemonTable(daemons, Date.now())) output.line(line);
    return 0;
  },
});

function daemonTable(daemons: Daemon[], now: number): string[] {
  const rows = daemons.map((daemon) => [
    shortId(daemon.id),
    inline(daemon.name),
    inline(daemon.host),
    daemon.online ? "online" : `offline, seen ${clockTime(daemon.lastSeenAt, now)}`,
    `${daemon.running}/${daemon.maxTasks}`,
    daemon.worktrees === null ? "-" : sizeText(daemon.worktrees),
    labelText(daemon.labels),
  ]);
  return table([["DAEMON", "NAME", "HOST", "STATE", "TASKS", "WORKTREES", "LABELS"], ...rows]);
}
