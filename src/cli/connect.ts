import type { Client, Endpoint } from "../client/client.ts";
import { MakimaError } from "../core/errors.ts";
import { loadConfig } from "../platform/config/load.ts";
import type { LoadedConfig } from "../platform/config/load.ts";
import { paths as pathsIn } from "../platform/config/paths.ts";
import type { Context } from "./context.ts";
import { inline } from "./format.ts";
import { persistentClient } from "./http.ts";
import { ensureLocalServer, findLocalServer } from "./local/local-server.ts";
import { localEndpoint } from "./local/server-file.ts";

/** A server that answers, as far as is known. */
export interface Connection {
  loaded: LoadedConfig;
  /** Where the server is now: a local one that was restarted in the meantime may have another port. */
  endpoint: () => Promise<Endpoint>;
  /** Repeated for a while where there is no answer; see createClient. */
  call: Client["call"];
}

export interface ConnectOptions {
  server: string | null;
  config: string | null;
}

/**
 * The server named by flag, environment or configuration, else the local one, which is started when it does not run.
 * `known` spares reading the configuration again.
 */
export async function connect(context: Context, options: ConnectOptions, known?: LoadedConfig): Promise<Connection> {
  const loaded = known ?? (await readConfig(context, options));
  const named = await namedServer(context, loaded, options.server);
  if (named === null) await ensureLocalServer({ env: context.env, loaded });
  const endpoint = async () => named ?? (await presentServer(loaded));
  const onRetry = ({ message }: MakimaError) => context.output.progress(`makima: ${inline(message)}; trying again`);
  return { loaded, endpoint, call: persistentClient(endpoint, onRetry).call };
}

/** The same server, without starting it: null when it is the local one and does not run. */
export async function findServer(
  context: Context,
  loaded: LoadedConfig,
  flag: string | null,
): Promise<Endpoint | null> {
  return (await namedServer(context, loaded, flag)) ?? findLocalServer(pathsIn(loaded.home));
}

/** The configuration as a command's flags and the environment choose it. */
export async function readConfig(context: Context, options: { config: string | null }): Promise<LoadedConfig> {
  return loadConfig({ env: context.env, flags: { config: options.config ?? undefined } });
}

async function namedServer(context: Context, loaded: LoadedConfig, flag: string | null): Promise<Endpoint | null> {
  const named = flag ?? (context.env["MAKIMA_API_URL"] || loaded.config.daemon.server);
  if (named === null) return null;
  const url = originOf(named);
  const local = await localEndpoint(pathsIn(loaded.home));
  const key = context.env["MAKIMA_API_KEY"] || (local?.url === url ? local.key : "");
  if (key !== "") return { url, key };
  throw new MakimaError("unauthorized", `There is no key for the server ${url}`, {
    hint: "Put a key of that server into MAKIMA_API_KEY.",
  });
}

async function presentServer({ home }: LoadedConfig): Promise<Endpoint> {
  const endpoint = await localEndpoint(pathsIn(home));
  if (endpoint === null) throw new MakimaError("unavailable", "The local server was stopped");
  return endpoint;
}

function originOf(named: string): string {
  const url = URL.parse(named);
  if (url !== null && ["http:", "https:"].includes(url.protocol)) return url.origin;
  throw new MakimaError("usage", `"${named}" is not the address of a server`, {
    hint: "Write it like http://127.0.0.1:7420.",
  });
}
