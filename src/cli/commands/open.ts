import { MakimaError } from "../../core/errors.ts";
import { spawnBackground } from "../../platform/process/background.ts";
import { loginLink } from "../../protocol/routes.ts";
import { CONNECTION_OPTIONS, defineCommand, flag } from "../command.ts";
import { connect } from "../connect.ts";
import type { Context } from "../context.ts";

export const openCommand = defineCommand({
  details:
    "The link logs one browser in, once, and only within a few minutes; the browser then stays logged in for a week. " +
    "While the browser starts, other users of this machine could see the link in the list of processes: where there are " +
    "any, use --no-browser and paste it.",
  arguments: [],
  options: { browser: flag("--no-browser", "Print the link, and open nothing"), ...CONNECTION_OPTIONS },
  examples: [
    ["makima open", "Open the browser, logged in"],
    ["makima open --json", "Print a login link and when it expires"],
  ],
  async run(context, { options }) {
    const { output, stdout } = context;
    const { call, endpoint } = await connect(context, options);
    const { code, expiresAt, publicUrl } = await call("createLogin", {});
    const url = loginLink(publicUrl ?? (await endpoint()).url, code);
    output.line(url);
    output.document({ url, expiresAt });
    if (options.browser && stdout.isTTY === true && !output.json) openBrowser(context, url);
    return 0;
  },
});

/** Where there is no browser, the link has been printed. */
function openBrowser({ env }: Context, url: string): void {
  const opener = process.platform === "darwin" ? "open" : "xdg-open";
  try {
    spawnBackground([opener, url], { cwd: "/", env, logFile: "/dev/null" });
  } catch (error) {
    if (!(error instanceof MakimaError)) throw error;
  }
}
