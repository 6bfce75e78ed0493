import { REPORT_FILE } from "../../../core/contract-report.ts";
import { CONNECTION_OPTIONS, CONTRACT_ARGUMENT, contractArgument, defineCommand } from "../../command.ts";
import { connect } from "../../connect.ts";
import { landingOfContract } from "../../follow/landing.ts";
import { block, inline } from "../../format.ts";

export const contractCompleteCommand = defineCommand({
  details:
    "By a person's decision, whatever its tasks came to; by its supervisor's in the last phase, with nothing missing. " +
    "Refused while another task of it is live. Waits until the work is where the contract's completion action wants it, " +
    "and prints the contract's report: what was done, by which tasks, and what it cost. Its worktrees go, as after " +
    "`makima contract delete`.",
  arguments: [CONTRACT_ARGUMENT],
  options: CONNECTION_OPTIONS,
  examples: [["makima contract complete 3f2a91bc", "Its goal is met"]],
  async run(context, input) {
    const { output } = context;
    const id = contractArgument(context, input);
    const connection = await connect(context, input.options);
    const completed = await connection.call("completeContract", { id });
    const { contract } = completed;
    output.line(`Completed ${inline(contract.name)} (${contract.id}).`);
    const landing = await landingOfContract(context, connection, completed);
    const { content: report } = await connection.call("getFile", { id: contract.id, name: REPORT_FILE.name });
    output.document({ contract, report, landing: landing?.document ?? null });
    for (const line of landing?.lines ?? []) output.line(line);
    output.line("");
    output.line(block(report).trimEnd());
    if (landing !== null && landing.failure !== null) throw landing.failure;
    return landing === null || landing.landed ? 0 : 1;
  },
});
