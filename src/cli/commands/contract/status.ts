import { CONNECTION_OPTIONS, CONTRACT_ARGUMENT, contractArgument, defineCommand, flag } from "../../command.ts";
import { connect } from "../../connect.ts";
import { statusLines } from "../../contract/status-lines.ts";

export const contractStatusCommand = defineCommand({
  details:
    "Its phase and what that still has to deliver, its tasks, what waits for a person, the latest reports, its cost, " +
    "and what to do next. With --watch then every report and change as it happens, until the contract has ended; with " +
    "--json each is a document of its own.",
  arguments: [CONTRACT_ARGUMENT],
  options: {
    watch: { ...flag("-w, --watch", "Go on, and show what happens"), watches: true },
    ...CONNECTION_OPTIONS,
  },
  examples: [
    ["makima contract status", "Within a task: where its contract stands"],
    ["makima contract status 3f2a91bc --watch", "See it work"],
  ],
  async run(context, input) {
    const { output } = context;
    const { watch } = input.options;
    const id = contractArgument(context, input);
    const connection = await connect(context, input.options);
    const { cursor, ...status } = await connection.call("contractStatus", { id });
    output.document(watch ? { status } : status);
    for (const line of statusLines(context, status, Date.now())) output.line(line);
    if (!watch) return 0;
    // Most who ask for the status want nothing of what it takes to watch.
    const { watchContract } = await import("../../contract/watch.ts");
    output.line("");
    return watchContract(context, connection, { contract: status.contract, cursor });
  },
});
