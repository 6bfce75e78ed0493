import { runCommand } from "./command.ts";

export interface DesktopMessage {
  title: string;
  body: string;
}

export interface DesktopOptions {
  platform: NodeJS.Platform;
  /** The server's own environment: what leads to the desktop's session is taken from it. */
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
}

/** `missing`: there is no desktop here that makima knows how to reach. */
export type Shown = { kind: "shown" } | { kind: "missing" | "failed"; problem: string };

/** Shows a message on the desktop by the operating system's own command. Throws only the reason of an aborted `signal`. */
export async function showOnDesktop(message: DesktopMessage, options: DesktopOptions): Promise<Shown> {
  const { platform, signal } = options;
  const command = COMMANDS[platform];
  if (command === undefined) return { kind: "missing", problem: `There is no command for it on ${platform}` };
  const { argv, input } = command(message);
  const env = Object.fromEntries(PASSED.flatMap((name) => pairOf(name, options.env[name])));
  const limits = { timeoutMs: TIME_LIMIT, maxOutputBytes: MAX_OUTPUT };
  const result = await runCommand(argv, { cwd: "/", env, input, ...limits, signal });
  const program = argv[0] ?? "";
  if (result.notStarted === "no such command") return { kind: "missing", problem: `${program} is not installed` };
  if (result.notStarted !== null) return { kind: "failed", problem: `${program}: ${result.notStarted}` };
  if (result.exitCode === 0) return { kind: "shown" };
  const said = result.stderr.toString("utf8").trim();
  return { kind: "failed", problem: `${program}: ${said || (result.timedOut ? "took too long" : "failed")}` };
}

const TIME_LIMIT = 10_000;
const MAX_OUTPUT = 4096;

/** Where programs are, and what leads to the session of the person at the desktop. */
const PASSED = [
  "PATH",
  "HOME",
  "LANG",
  "LC_ALL",
  "USER",
  "DBUS_SESSION_BUS_ADDRESS",
  "XDG_RUNTIME_DIR",
  "DISPLAY",
  "XAUTHORITY",
  "WAYLAND_DISPLAY",
];

type Command = (message: DesktopMessage) => { argv: string[]; input: string };

/** Texts are arguments that can be taken neither for options nor for code. */
const COMMANDS: { readonly [P in NodeJS.Platform]?: Command } = {
  linux: ({ title, body }) => ({ argv: ["notify-send", "--app-name=makima", "--", title, asMarkup(body)], input: "" }),
  // The script comes by stdin (`-`), after which every argument is the script's own.
  darwin: ({ title, body }) => ({ argv: ["osascript", "-", title, body], input: SCRIPT }),
};

const SCRIPT = `on run argv
  display notification (item 2 of argv) with title (item 1 of argv)
end run
`;

/** notify-send reads C escapes in a body, and the desktop markup: this is the text that both of them show as `text`. */
function asMarkup(text: string): string {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return escaped.replaceAll("\\", "\\\\");
}

function pairOf(name: string, value: string | undefined): [string, string][] {
  return value === undefined ? [] : [[name, value]];
}
