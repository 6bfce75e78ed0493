import { CONNECTION_OPTIONS, defineCommand, idArgument, idOf } from "../../command.ts";
import { connect } from "../../connect.ts";
import { inline } from "../../format.ts";

export const daemonRemoveCommand = defineCommand({
  details: "Refused while it is online or has a live run. If it ever comes back, it is a new daemon.",
  arguments: [idArgument("daemon")],
  options: CONNECTION_OPTIONS,
  examples: [["makima daemon remove 3f2a91bc", "Its machine is gone for good"]],
  async run(context, input) {
    const id = idOf(input.arguments[0], "daemon", "makima daemon list");
    const { call } = await connect(context, input.options);
    const { daemon } = await call("removeDaemon", { id });
    context.output.line(`Removed the daemon ${inline(daemon.name)} of ${inline(daemon.host)} (${daemon.id}).`);
    context.output.document({ daemon });
    return 0;
  },
});
