import { shortId } from "../../../core/ids.ts";
import type { Notification } from "../../../protocol/api.ts";
import { CONNECTION_OPTIONS, defineCommand, flag } from "../../command.ts";
import { connect } from "../../connect.ts";
import { brief, clockTime, table } from "../../format.ts";
import { allOf } from "../../pages.ts";

export const notificationListCommand = defineCommand({
  details: "Dismissed ones never come back.",
  arguments: [],
  options: { unread: flag("--unread", "Only those that nobody has read"), ...CONNECTION_OPTIONS },
  examples: [["makima notification list --unread", "What is new"]],
  async run(context, { options }) {
    const { output } = context;
    const { call } = await connect(context, options);
    const notifications = await allOf(
      (query) => call("listNotifications", { unread: options.unread ? "true" : "false", ...query }),
      (page) => page.notifications,
    );
    output.document({ notifications });
    if (notifications.length === 0) output.line("There is nothing to see.");
    else for (const line of notificationTable(notifications, Date.now())) output.line(line);
    return 0;
  },
});

const MAX_TITLE = 100;

function notificationTable(notifications: Notification[], now: number): string[] {
  const rows = notifications.map(({ id, status, kind, createdAt, title }) => [
    shortId(id),
    status,
    kind,
    clockTime(createdAt, now),
    brief(title, MAX_TITLE),
  ]);
  return table([["NOTIFICATION", "STATUS", "KIND", "AT", "TITLE"], ...rows]);
}
