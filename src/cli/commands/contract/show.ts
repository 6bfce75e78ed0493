import type { Contract } from "../../../protocol/api.ts";
import { CONNECTION_OPTIONS, CONTRACT_ARGUMENT, contractArgument, defineCommand } from "../../command.ts";
import { connect } from "../../connect.ts";
import { goalLines } from "../../contract/checklist.ts";
import { completionText } from "../../contract/completion-actions.ts";
import { fileTable } from "../../contract/file-table.ts";
import { headingLines } from "../../contract/heading.ts";
import { block, inline } from "../../format.ts";
import { treeLines, treeOf } from "../../supervisor/tree.ts";

export const contractShowCommand = defineCommand({
  details: "All that it is made of; `makima contract status` says where it stands.",
  arguments: [CONTRACT_ARGUMENT],
  options: CONNECTION_OPTIONS,
  examples: [["makima contract show 3f2a91bc", "Its goal, its phase, its files and its tasks"]],
  async run(context, input) {
    const { output } = context;
    const id = contractArgument(context, input);
    const { call } = await connect(context, input.options);
    const { contract, tasks } = await call("getContract", { id });
    const { files } = await call("listFiles", { id: contract.id });
    output.document({ contract, tasks, files });
    const sections = [
      [...headingLines(contract, output.style), ...whereLines(contract)],
      [block(contract.goal)],
      goalLines(contract.goals, output.style),
      files.length === 0 ? [] : fileTable(files, Date.now()),
      tasks.length === 0 ? ["It has no tasks yet."] : treeLines(treeOf(tasks)),
    ];
    output.line(sections.flatMap((lines) => (lines.length === 0 ? [] : [lines.join("\n")])).join("\n\n"));
    return 0;
  },
});

/** Where its tasks work, and where their work goes. */
function whereLines(contract: Contract): string[] {
  const places = contract.repositories.map(({ path, base, branch }) => {
    const from = branch === null ? base.slice(0, 12) : `${inline(branch)} (${base.slice(0, 12)})`;
    return `${inline(path)}, from ${from}`;
  });
  return [...places, `Completion action ${contract.completionAction}: ${completionText(contract)}`];
}
