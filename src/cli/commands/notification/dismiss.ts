import { MakimaError } from "../../../core/errors.ts";
import { CONNECTION_OPTIONS, defineCommand, flag, idArgument, idOf } from "../../command.ts";
import { connect } from "../../connect.ts";
import { count, inline } from "../../format.ts";

export const notificationDismissCommand = defineCommand({
  details: "What is dismissed never comes back.",
  arguments: [{ ...idArgument("notification"), required: false }],
  options: { all: flag("-a, --all", "All that there are now"), ...CONNECTION_OPTIONS },
  examples: [
    ["makima notification dismiss 3f2a91bc", "Put one away"],
    ["makima notification dismiss --all", "Put all of them away"],
  ],
  async run(context, { arguments: [given], options }) {
    const { output } = context;
    if (options.all && given !== undefined) {
      throw new MakimaError("usage", "An id and --all are given", { hint: "Give the one or the other." });
    }
    const id = options.all ? null : idOf(given, "notification", "makima notification list");
    const { call } = await connect(context, options);
    if (id === null) {
      const { marked } = await call("markNotifications", { as: "dismissed" });
      output.line(`Dismissed ${count(marked, "notification")}.`);
      output.document({ marked });
    } else {
      const { notification } = await call("dismissNotification", { id });
      output.line(`Dismissed ${inline(notification.title)} (${notification.id}).`);
      output.document({ notification });
    }
    return 0;
  },
});
