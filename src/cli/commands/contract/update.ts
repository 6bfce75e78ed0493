import { MakimaError } from "../../../core/errors.ts";
import { CONNECTION_OPTIONS, CONTRACT_ARGUMENT, contractArgument, defineCommand, text } from "../../command.ts";
import { connect } from "../../connect.ts";
import { inline } from "../../format.ts";

export const contractUpdateCommand = defineCommand({
  arguments: [CONTRACT_ARGUMENT],
  options: { name: text("--name <name>", "Its new name"), ...CONNECTION_OPTIONS },
  examples: [['makima contract update 3f2a91bc --name "Mend the parser"', "Give it a better name"]],
  async run(context, input) {
    const id = contractArgument(context, input);
    const { name } = input.options;
    if (name === null)
      throw new MakimaError("usage", "Nothing to change is given", { hint: "Give a name with --name." });
    const { call } = await connect(context, input.options);
    const { contract } = await call("updateContract", { id, name });
    context.output.line(`The contract is called ${inline(contract.name)} now (${contract.id}).`);
    context.output.document({ contract });
    return 0;
  },
});
