import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import type { LoadedConfig } from "../../platform/config/load.ts";
import { paths as pathsIn } from "../../platform/config/paths.ts";
import { defineCommand, integer, labels, text } from "../command.ts";
import { readConfig } from "../connect.ts";
import type { Context } from "../context.ts";
import { prepareHome } from "../local/home.ts";
import { createLog, stopRequest } from "../local/process.ts";
import { SANDBOX_OPTIONS, withSandboxFlag } from "../local/sandbox-flag.ts";
import { readServerFile } from "../local/server-file.ts";
import { joinServer } from "../local/work.ts";

const options = {
  server: text("--server <url>", "Server to work for (default: as configured, else the local one)"),
  apiKeyFile: text("--api-key-file <file>", "File that holds the daemon's key for that server"),
  name: text("--name <name>", "Name under which this machine is listed (default: its host name)"),
  maxTasks: integer("--max-tasks <n>", "Tasks at work at the same time (default: 4)", 1, 1000),
  ...SANDBOX_OPTIONS,
  label: labels("--label <name=value>", "What this machine offers to tasks, such as gpu=yes; may be repeated"),
  config: text("--config <file>", "Configuration file to read"),
};

export const daemonCommand = defineCommand({
  details: "Works in git repositories of this machine. Stopping it never stops an agent.",
  arguments: [],
  options,
  examples: [
    ["makima daemon", "Work for the server of this machine"],
    ["makima daemon --server https://makima.example --api-key-file ~/daemon.key --max-tasks 8", "Work for a team"],
    ["makima daemon --bubblewrap", "Sandbox every agent and every check"],
    ["makima daemon --label gpu=yes", "Take tasks that ask for a GPU, too"],
  ],
  async run(context, input) {
    const loaded = await withSandboxFlag(context, await readConfig(context, input.options), input.options);
    const paths = pathsIn(loaded.home);
    const serverUrl = input.options.server ?? loaded.config.daemon.server ?? (await readServerFile(paths))?.url;
    if (serverUrl === undefined) {
      throw new MakimaError("usage", "No server to work for", {
        hint: "Name one with --server, or start `makima up`.",
      });
    }
    const { key, keyFile } = await readKey(context, loaded, input.options.apiKeyFile);
    const log = createLog(context, loaded);
    await prepareHome(paths);

    using stop = stopRequest(context);
    const { name, maxTasks, label } = input.options;
    const daemon = { name, maxTasks, labels: label, ...(keyFile === null ? {} : { keyFile }) };
    await using _daemon = await joinServer({ context, loaded, serverUrl, key, log, ...daemon });
    context.output.line(`This daemon works for ${serverUrl}`);
    context.output.document({ server: serverUrl, pid: process.pid });
    await stop.requested;
    return 0;
  },
});

async function readKey(
  context: Context,
  loaded: LoadedConfig,
  flag: string | null,
): Promise<{ key: string; keyFile: string | null }> {
  const named = flag === null ? loaded.config.daemon.apiKeyFile : resolve(context.cwd, flag);
  const inEnvironment = context.env["MAKIMA_API_KEY"];
  if (named === null && inEnvironment) return { key: inEnvironment, keyFile: null };
  const file = named ?? pathsIn(loaded.home).daemonKey;
  try {
    return { key: (await readFile(file, "utf8")).trim(), keyFile: file };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw new MakimaError("unauthorized", `Cannot read the daemon's key in ${file} (${code})`, {
      hint: "Name the file that holds it with --api-key-file.",
      cause: error,
    });
  }
}
