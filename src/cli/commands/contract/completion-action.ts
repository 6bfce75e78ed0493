import { MakimaError } from "../../../core/errors.ts";
import type { CompletionAction } from "../../../protocol/api.ts";
import { CONNECTION_OPTIONS, CONTRACT_ARGUMENT, contractArgument, defineCommand } from "../../command.ts";
import { connect } from "../../connect.ts";
import { COMPLETION_ACTIONS, completionText } from "../../contract/completion-actions.ts";
import { inline } from "../../format.ts";

export const contractCompletionActionCommand = defineCommand({
  details:
    "none: every task's work stays on its own branch. branch: finished tasks are merged into the contract's integration " +
    "branch by themselves. merge: that one then goes into the branch that the contract started from. pr: it is pushed, " +
    "and a pull request opened.",
  arguments: [
    { name: "action", description: `One of ${COMPLETION_ACTIONS.join(", ")}`, required: true },
    CONTRACT_ARGUMENT,
  ],
  options: CONNECTION_OPTIONS,
  examples: [["makima contract completion-action pr 3f2a91bc", "Have a pull request in the end"]],
  async run(context, input) {
    const [given = "", ...rest] = input.arguments;
    const action = requireAction(given);
    const id = contractArgument(context, { ...input, arguments: rest });
    const { call } = await connect(context, input.options);
    const { contract } = await call("setCompletionAction", { id, action });
    context.output.line(`${inline(contract.name)}: ${completionText(contract)}.`);
    context.output.document({ contract });
    return 0;
  },
});

function requireAction(given: string): CompletionAction {
  const action = COMPLETION_ACTIONS.find((one) => one === given);
  if (action !== undefined) return action;
  throw new MakimaError("usage", `${JSON.stringify(given)} is no completion action`, {
    hint: `Give one of ${COMPLETION_ACTIONS.join(", ")}.`,
  });
}
