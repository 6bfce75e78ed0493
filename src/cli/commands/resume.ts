import { shortId } from "../../core/ids.ts";
import type { Task } from "../../protocol/api.ts";
import { EVENTS } from "../../protocol/streams.ts";
import { CONNECTION_OPTIONS, defineCommand, dollars, flag, integer, TASK_ARGUMENT, taskArgument } from "../command.ts";
import { connect } from "../connect.ts";
import type { Connection } from "../connect.ts";
import { followToEnd } from "../follow/follow-to-end.ts";
import type { FollowToEndOptions } from "../follow/follow-to-end.ts";
import { leaveAlone } from "../follow/leave-alone.ts";
import { inline } from "../format.ts";

export const resumeCommand = defineCommand({
  details:
    "A paused task goes on; a failed or stopped one gets a new run, in the same worktree and session. Without flags " +
    "its limits stay as they were.",
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
    const before = await connection.call("getTask", { id });
    const told = await toldRun(connection, before.task);
    const { task, cursor } = await connection.call("resumeTask", { id, limits: changedLimits(input.options) });
    const how = before.task.status === "paused" ? "goes on" : "gets a new run";
    if (input.options.detach) return leaveAlone(context, before.contract, task, how);
    context.output.progress(`${inline(task.name)} (${shortId(task.id)}) ${how}.`);
    return followToEnd(context, connection, { task, cursor, timeout: null, told });
  },
});

/** What there is of the task until now: that of an ended run is no more news, nor what a paused one did before. */
async function toldRun({ call }: Connection, { runId, status }: Task): Promise<FollowToEndOptions["told"]> {
  if (runId === null) return null;
  if (status !== "paused") return { runId, events: "all" };
  const { streams } = await call("listStreams", { id: runId });
  return { runId, events: streams.find(({ stream }) => stream === EVENTS)?.size ?? 0 };
}

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
