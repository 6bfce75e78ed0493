import type { Contract } from "../../../protocol/api.ts";
import { CONNECTION_OPTIONS, CONTRACT_ARGUMENT, contractArgument, defineCommand } from "../../command.ts";
import type { Command } from "../../command.ts";
import { connect } from "../../connect.ts";
import { inline } from "../../format.ts";

export interface ContractAction {
  route: "pauseContract" | "resumeContract" | "deleteContract";
  details: string;
  example: [line: string, does: string];
  /** "Paused" */
  done: string;
}

/** A command that moves a contract to another state, and does nothing else. */
export function contractAction({ route, details, example, done }: ContractAction): Command {
  return defineCommand({
    details,
    arguments: [CONTRACT_ARGUMENT],
    options: CONNECTION_OPTIONS,
    examples: [example],
    async run(context, input) {
      const id = contractArgument(context, input);
      const connection = await connect(context, input.options);
      const { contract }: { contract: Contract } = await connection.call(route, { id });
      context.output.line(`${done} ${inline(contract.name)} (${contract.id}).`);
      context.output.document({ contract });
      return 0;
    },
  });
}
