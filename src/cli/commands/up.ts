import type { LoadedConfig } from "../../platform/config/load.ts";
import { defineCommand, duration, flag, integer, text } from "../command.ts";
import { readConfig } from "../connect.ts";
import { ensureLocalServer } from "../local/local-server.ts";
import { SANDBOX_OPTIONS, withSandboxFlag } from "../local/sandbox-flag.ts";
import { serve } from "../local/serve.ts";

/** Options of the commands that run a server. */
export const LISTEN_OPTIONS = {
  host: text("--host <address>", "Address to listen on (default: 127.0.0.1, or as configured)"),
  port: integer("--port <number>", "Port to listen on, 0 for any (default: 7420, or as configured)", 0, 65_535),
  behindProxy: flag("--behind-proxy", "A proxy in front of the server speaks TLS, so any address will do"),
  config: text("--config <file>", "Configuration file to read"),
};

interface ListenFlags {
  host: string | null;
  port: number | null;
  behindProxy: boolean;
}

/** The configuration with what the flags say of the server's address. */
export function withListenFlags(loaded: LoadedConfig, { host, port, behindProxy }: ListenFlags): LoadedConfig {
  const { server } = loaded.config;
  const changed = {
    ...server,
    host: host ?? server.host,
    port: port ?? server.port,
    behindProxy: server.behindProxy || behindProxy,
  };
  return { ...loaded, config: { ...loaded.config, server: changed } };
}

export const upCommand = defineCommand({
  details:
    "`makima run` and its companions start this in the background when they need it. Stopping it never stops an " +
    "agent: the next start finds the agents again. Flags hold for this start only; what the configuration says holds for " +
    "those in the background, too.",
  arguments: [],
  options: {
    ...LISTEN_OPTIONS,
    ...SANDBOX_OPTIONS,
    background: flag("--background", "Start it in the background, and return when it is ready"),
    idleExit: duration("--idle-exit <duration>", "End after this long without live tasks or clients"),
    anyPort: flag("--any-port", "Take any free port when the chosen one is taken"),
  },
  examples: [
    ["makima up", "Run in this terminal until Ctrl-C"],
    ["makima up --background --port 8000", "Run in the background on port 8000"],
  ],
  async run(context, { options }) {
    const loaded = await withSandboxFlag(context, await readConfig(context, options), options);
    if (options.background) {
      const { url } = await ensureLocalServer({ env: context.env, loaded, flags: givenFlags(options) });
      context.output.line(`makima is running at ${url}`);
      context.output.document({ url });
      return 0;
    }
    await serve(context, {
      loaded: withListenFlags(loaded, options),
      anyPort: options.anyPort,
      idleExit: options.idleExit,
      withDaemon: true,
    });
    return 0;
  },
});

function givenFlags({ host, port, behindProxy, bubblewrap }: ListenFlags & { bubblewrap: boolean }): string[] {
  return [
    ...(host === null ? [] : ["--host", host]),
    ...(port === null ? [] : ["--port", String(port)]),
    ...(behindProxy ? ["--behind-proxy"] : []),
    ...(bubblewrap ? ["--bubblewrap"] : []),
  ];
}
