import type { Checkpoint } from "../../../protocol/api.ts";
import { CONNECTION_OPTIONS, defineCommand, TASK_ARGUMENT, taskArgument } from "../../command.ts";
import { connect } from "../../connect.ts";
import { brief, elapsed, inline, table } from "../../format.ts";

export const supervisorCheckpointsCommand = defineCommand({
  details: "Those that makima made after each iteration have its number as their name.",
  arguments: [TASK_ARGUMENT],
  options: CONNECTION_OPTIONS,
  examples: [["makima supervisor checkpoints 3f2a91bc", "What `makima supervisor restore` can go back to"]],
  async run(context, input) {
    const { output } = context;
    const id = taskArgument(context, input);
    const { call } = await connect(context, input.options);
    const { checkpoints } = await call("listCheckpoints", { id });
    output.document({ checkpoints });
    if (checkpoints.length === 0) output.line("The task has no checkpoints yet.");
    else for (const line of checkpointTable(checkpoints, Date.now())) output.line(line);
    return 0;
  },
});

const MAX_MESSAGE = 80;

function checkpointTable(checkpoints: readonly Checkpoint[], now: number): string[] {
  const rows = checkpoints.map(({ name, commit, createdAt, message }) => [
    inline(name),
    commit.slice(0, 12),
    elapsed(Math.max(0, now - createdAt)),
    brief(message, MAX_MESSAGE),
  ]);
  return table([["CHECKPOINT", "COMMIT", "AGE", "MESSAGE"], ...rows]);
}
