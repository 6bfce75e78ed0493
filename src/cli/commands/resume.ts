import { shortId } from "../../core/ids.ts";
import type { Task } from "../../protocol/api.ts";
import { EVENTS } from "../../protocol/streams.ts";
import { CONNECTION_OPTIONS, defineCommand, flag, TASK_ARGUMENT, taskArgument } from "../command.ts";
import { connect } from "../connect.ts";
import type { Connection } from "../connect.ts";
import { followToEnd } from "../follow/follow-to-end.ts";
import type { FollowToEndOptions } from "../follow/follow-to-end.ts";
import { leaveAlone } from "../follow/leave-alone.ts";
import { Stopper } from "../follow/stopper.ts";
import { inline } from "../format.ts";
import { howResumed, RESUME_OPTIONS, resumeFields } from "../tasks/resume.ts";

export const resumeCommand = defineCommand({
  details:
    "A paused task goes on; a failed or stopped one, or a completed one that has a --message, gets a new run, in the " +
    "same worktree and session. Without flags its limits stay as they were.",
  arguments: [TASK_ARGUMENT],
  options: {
    ...RESUME_OPTIONS,
    detach: flag("--detach", "Return at once, and let it go on"),
    ...CONNECTION_OPTIONS,
  },
  examples: [
    ["makima resume 3f2a91bc", "Go on and follow to the end"],
    ["makima resume 3f2a91bc --max-iterations 20 --detach", "Give it more iterations, and do not wait for it"],
  ],
  async run(context, input) {
    const id = taskArgument(context, input);
    const fields = await resumeFields(id, input.options, context);
    const connection = await connect(context, input.options);
    const before = await connection.call("getTask", { id });
    const told = await toldRun(connection, before.task);
    using stopper = input.options.detach ? null : new Stopper(context, connection);
    const { task, cursor } = await connection.call("resumeTask", fields);
    const how = howResumed(before.task.status);
    if (stopper === null) return leaveAlone(context, before.contract, task, how);
    context.output.progress(`${inline(task.name)} (${shortId(task.id)}) ${how}.`);
    return await followToEnd(context, connection, { task, stopper, cursor, timeout: null, told, landing: null });
  },
});

/** What there is of the task until now: that of an ended run is no more news, nor what a paused one did before. */
async function toldRun({ call }: Connection, { runId, status }: Task): Promise<FollowToEndOptions["told"]> {
  if (runId === null) return null;
  if (status !== "paused") return { runId, events: "all" };
  const { streams } = await call("listStreams", { id: runId });
  return { runId, events: streams.find(({ stream }) => stream === EVENTS)?.size ?? 0 };
}
