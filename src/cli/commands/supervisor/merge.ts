import { MakimaError } from "../../../core/errors.ts";
import { CONNECTION_OPTIONS, defineCommand, flag, idArgument, idOf, text } from "../../command.ts";
import { connect } from "../../connect.ts";
import { count } from "../../format.ts";
import { runOperation } from "../../operations.ts";
import { mergeLines } from "../../supervisor/merge-lines.ts";

export const supervisorMergeCommand = defineCommand({
  details:
    "Merges the task's branch, and runs its checks on the merged tree before the other branch is moved. Exit code 5: it " +
    "conflicts; 1: a check fails. Then, and with --dry-run, nothing was moved. Merges of a contract are done one at a time. An " +
    "agent merges into the branches of its contract only.",
  arguments: [idArgument("task")],
  options: {
    into: text("--into <branch>", "Branch to merge into (default: the contract's integration branch)"),
    squash: flag("--squash", "As one commit"),
    dryRun: flag("--dry-run", "Say what would happen, and move nothing"),
    ...CONNECTION_OPTIONS,
  },
  examples: [
    ["makima supervisor merge 3f2a91bc --dry-run", "Does it conflict?"],
    ["makima supervisor merge 3f2a91bc", "Merge it into the integration branch"],
    ["makima supervisor merge 3f2a91bc --into release/weeks --squash", "Into another branch, as one commit"],
  ],
  async run(context, { arguments: [given], options: { into, squash, dryRun, ...options } }) {
    const { output } = context;
    const task = idOf(given, "task", "makima supervisor tasks");
    const connection = await connect(context, options);
    const branch = into === null ? {} : { into };
    const request = { kind: "MergeBranch", task, ...branch, squash, dryRun } as const;
    const merge = await runOperation(connection, context, request);
    output.document(merge);
    for (const line of mergeLines(merge, task, output.style)) output.line(line);
    if (merge.outcome === "conflict") {
      throw new MakimaError("merge_conflict", `${count(merge.conflicts.length, "file")} cannot be merged`);
    }
    return merge.outcome === "checks-failed" ? 1 : 0;
  },
});
