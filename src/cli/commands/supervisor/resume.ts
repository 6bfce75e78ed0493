import { shortId } from "../../../core/ids.ts";
import { CONNECTION_OPTIONS, defineCommand, TASK_ARGUMENT, taskArgument } from "../../command.ts";
import { connect } from "../../connect.ts";
import { inline } from "../../format.ts";
import { howResumed, RESUME_OPTIONS, resumeFields } from "../../tasks/resume.ts";

export const supervisorResumeCommand = defineCommand({
  details:
    "A paused task goes on; a failed or cancelled one, or a completed one that has a --message, gets a new run, in the " +
    "same worktree and session. Returns at once; `makima supervisor wait` waits for its end.",
  arguments: [TASK_ARGUMENT],
  options: { ...RESUME_OPTIONS, ...CONNECTION_OPTIONS },
  examples: [
    ["makima supervisor resume 3f2a91bc", "Go on where it was"],
    [
      'makima supervisor resume 3f2a91bc --message "The tests of week 53 are missing"',
      "Send it back with what is missing",
    ],
  ],
  async run(context, input) {
    const id = taskArgument(context, input);
    const fields = await resumeFields(id, input.options, context);
    const { call } = await connect(context, input.options);
    const { task: before } = await call("getTask", { id });
    const { task } = await call("resumeTask", fields);
    context.output.line(`${inline(task.name)} (${task.id}) ${howResumed(before.status)}.`);
    context.output.line(`  makima supervisor wait ${shortId(task.id)}`);
    context.output.document({ task });
    return 0;
  },
});
