import { CONNECTION_OPTIONS, CONTRACT_ARGUMENT, contractArgument, defineCommand, flag } from "../../command.ts";
import { connect } from "../../connect.ts";
import { inline } from "../../format.ts";

export const supervisorAdvancePhaseCommand = defineCommand({
  details:
    "Refused, with what is missing, until the present phase has delivered all that it has to; `makima contract " +
    "checklist` lists that.",
  arguments: [CONTRACT_ARGUMENT],
  options: { force: flag("--force", "Though something is missing; for people only"), ...CONNECTION_OPTIONS },
  examples: [
    ["makima supervisor advance-phase", "Within a task: its contract"],
    ["makima supervisor advance-phase 9b1d04e7 --force", "Leave a phase as it is"],
  ],
  async run(context, input) {
    const id = contractArgument(context, input);
    const { call } = await connect(context, input.options);
    const { contract } = await call("advancePhase", { id, force: input.options.force });
    context.output.line(`${inline(contract.name)} is now in the phase ${contract.phase}.`);
    context.output.document({ contract });
    return 0;
  },
});
