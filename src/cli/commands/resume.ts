import { CONNECTION_OPTIONS, defineCommand, dollars, flag, integer, TASK_ARGUMENT, taskArgument } from "../command.ts";
import { connect } from "../connect.ts";
import { followToEnd } from "../follow/follow-to-end.ts";
import { leaveAlone } from "../follow/leave-alone.ts";

export const resumeCommand = defineCommand({
  details: "It goes on in the same worktree and session. Without flags its limits stay as they were.",
  arguments: [TASK_ARGUMENT],
  options: {
    maxIterations: integer("--max-iterations <n>", "Give up after so many iterations", 1, 10_000),
    budget: dollars("--budget <usd>", "Give up when the agent has cost more than this"),
    detach: flag("--detach", "Return at once, and let it go on"),
    ...CONNECTION_OPTIONS,
  },
  examples: [
    ["makima resume 3f2a91bc", "Go on and follow to the end"],
    ["makima resume 3f2a91bc --max-iterations 20 --detach", "Give it more iterations, and do not wait for it"],
  ],
  async run(context, input) {
    const id = taskArgument(context, input);
    const connection = await connect(context, input.options);
    const { task, cursor } = await connection.call("resumeTask", { id, limits: changedLimits(input.options) });
    if (!input.options.detach) return followToEnd(context, connection, { task, cursor, timeout: null });
    const { contract } = await connection.call("getContract", { id: task.contractId });
    return leaveAlone(context, contract, task);
  },
});

interface LimitFlags {
  maxIterations: number | null;
  budget: number | null;
}

function changedLimits({ maxIterations, budget }: LimitFlags): { maxIterations?: number; budgetUsd?: number } {
  return {
    ...(maxIterations === null ? {} : { maxIterations }),
    ...(budget === null ? {} : { budgetUsd: budget }),
  };
}
