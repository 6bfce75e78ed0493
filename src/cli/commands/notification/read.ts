import { shortId } from "../../../core/ids.ts";
import { escapeForTerminal, stripAnsi } from "../../../core/text.ts";
import { CONNECTION_OPTIONS, defineCommand, idArgument, idOf } from "../../command.ts";
import { connect } from "../../connect.ts";
import { inline } from "../../format.ts";

export const notificationReadCommand = defineCommand({
  arguments: [idArgument("notification")],
  options: CONNECTION_OPTIONS,
  examples: [["makima notification read 3f2a91bc", "See all of it, and call it read"]],
  async run(context, input) {
    const { output } = context;
    const id = idOf(input.arguments[0], "notification", "makima notification list");
    const { call } = await connect(context, input.options);
    const { notification } = await call("readNotification", { id });
    output.document({ notification });
    output.line(output.style("bold", inline(notification.title)));
    output.line(escapeForTerminal(stripAnsi(notification.body), { keepNewlines: true }));
    if (notification.taskId !== null) output.line(`  makima logs ${shortId(notification.taskId)}`);
    return 0;
  },
});
