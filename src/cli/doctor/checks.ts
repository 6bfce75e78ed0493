import { access, constants } from "node:fs/promises";
import { dirname } from "node:path";
import type { Endpoint } from "../../client/client.ts";
import { MakimaError } from "../../core/errors.ts";
import type { AgentConfig } from "../../platform/config/config.ts";
import type { LoadedConfig } from "../../platform/config/load.ts";
import { SECOND } from "../../platform/config/units.ts";
import { exists } from "../../platform/files.ts";
import { createGit } from "../../platform/git/git.ts";
import { inspectRepository } from "../../platform/git/repository.ts";
import { runCommand } from "../../platform/process/command.ts";
import type { Finding } from "../../platform/sandbox/diagnose.ts";
import { findServer } from "../connect.ts";
import type { Context } from "../context.ts";
import { count, inline } from "../format.ts";
import { clientFor } from "../http.ts";
import { reachPostgres, sourceOf } from "../local/database.ts";
import { checkSandbox } from "./sandbox.ts";

/** What was found out about one thing; only `broken` keeps makima from working. */
export type { Finding };

/** Oldest git whose `merge-tree --write-tree` and `rev-parse --path-format` makima can build on. */
const OLDEST_GIT = [2, 38] as const;
const ANSWER_WITHIN = 20 * SECOND;

/** Looks at everything that makima needs, in the order in which a person would mend it; changes nothing. */
export async function diagnose(context: Context, loaded: LoadedConfig, server: string | null): Promise<Finding[]> {
  const findings = await Promise.all([
    checkGit(context),
    checkAgents(context, loaded.config.agents),
    checkHome(loaded.home),
    checkSandbox(context, loaded),
    checkServer(context, loaded, server),
    checkRepository(context),
  ]);
  const configuration: Finding = { name: "configuration", state: "ok", detail: loaded.file ?? "defaults", fix: null };
  return [configuration, checkNode(), ...findings.flat()];
}

export function broken(name: string, error: unknown): Finding {
  if (!(error instanceof MakimaError)) throw error;
  return { name, state: "broken", detail: error.message, fix: error.hint };
}

/** An older one than makima needs is refused before any command, see requireNode. */
function checkNode(): Finding {
  return { name: "node", state: "ok", detail: process.versions.node, fix: null };
}

async function checkGit(context: Context): Promise<Finding> {
  const fix = `Install git ${OLDEST_GIT.join(".")} or newer.`;
  const said = await output(context, ["git", "--version"]);
  if (said === null) return { name: "git", state: "broken", detail: "not found", fix };
  const version = /\d+\.\d+(\.\d+)?/.exec(said)?.[0] ?? "0.0";
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isNew = major > OLDEST_GIT[0] || (major === OLDEST_GIT[0] && minor >= OLDEST_GIT[1]);
  if (isNew) return { name: "git", state: "ok", detail: version, fix: null };
  return { name: "git", state: "broken", detail: `${version} is too old`, fix };
}

/** One usable agent is enough to work with. */
async function checkAgents(context: Context, agents: Record<string, AgentConfig>): Promise<Finding[]> {
  const found = await Promise.all(
    Object.entries(agents).map(async ([name, agent]) => ({ name, agent, version: await findAgent(context, agent) })),
  );
  const missing = found.some(({ version }) => version !== null) ? "note" : "broken";
  return found.map(({ name, agent, version }) => {
    const subject = `agent ${name}`;
    if (version !== null) return { name: subject, state: "ok", detail: version, fix: null };
    const command = agent.command.join(" ");
    const fix = `Install it, or set [agents.${name}] command in the configuration.`;
    return { name: subject, state: missing, detail: `${command} was not found`, fix };
  });
}

/** Its version or its path. Only Claude Code is asked: what another program does with --version is anybody's guess. */
async function findAgent(context: Context, { kind, command }: AgentConfig): Promise<string | null> {
  if (kind === "claude") return output(context, [...command, "--version"]);
  return output(context, ["sh", "-c", 'command -v "$1"', "sh", command[0] ?? ""]);
}

/** makima makes its directory when it first needs it, so the nearest one that exists is what counts. */
async function checkHome(home: string): Promise<Finding> {
  let place = home;
  while (!(await exists(place)) && dirname(place) !== place) place = dirname(place);
  try {
    await access(place, constants.W_OK | constants.X_OK);
    return { name: "data directory", state: "ok", detail: home, fix: null };
  } catch {
    return broken("data directory", new MakimaError("read_only", `Cannot write ${place}`));
  }
}

/** The server, and the database behind it: it knows best whether it can use that. */
async function checkServer(context: Context, loaded: LoadedConfig, server: string | null): Promise<Finding[]> {
  const name = "server";
  try {
    const endpoint = await findServer(context, loaded, server);
    if (endpoint === null) {
      const idle: Finding = { name, state: "ok", detail: "not running; it starts when it is needed", fix: null };
      return [idle, await checkDatabase(loaded)];
    }
    return await askServer(endpoint);
  } catch (error) {
    return [broken(name, error)];
  }
}

async function askServer(endpoint: Endpoint): Promise<Finding[]> {
  try {
    const { version, database } = await clientFor(endpoint).call("serverInfo", {});
    const server: Finding = { name: "server", state: "ok", detail: `${endpoint.url}, version ${version}`, fix: null };
    return [server, { name: "database", state: "ok", detail: `${ENGINES[database]}, reachable`, fix: null }];
  } catch (error) {
    if (!(error instanceof MakimaError) || error.code !== "database_unavailable") throw error;
    return [{ name: "server", state: "ok", detail: endpoint.url, fix: null }, broken("database", error)];
  }
}

const ENGINES = { sqlite: "SQLite", postgres: "PostgreSQL" } as const;

/** What a server would find if it were started. */
async function checkDatabase(loaded: LoadedConfig): Promise<Finding> {
  const name = "database";
  const source = sourceOf(loaded);
  if (source.kind === "sqlite") return { name, state: "ok", detail: `SQLite, ${source.path}`, fix: null };
  try {
    await reachPostgres(source);
    return { name, state: "ok", detail: "PostgreSQL, reachable", fix: null };
  } catch (error) {
    return broken(name, error);
  }
}

async function checkRepository({ env, cwd }: Context): Promise<Finding> {
  const name = "repository";
  try {
    const { topLevel, baseName, dirtyFiles } = await inspectRepository(createGit(env), cwd);
    const dirt = dirtyFiles === 0 ? "clean" : `${count(dirtyFiles, "file")} not committed`;
    return { name, state: "ok", detail: `${topLevel} at ${baseName}, ${dirt}`, fix: null };
  } catch (error) {
    // doctor is run anywhere; only `makima run` needs a repository.
    return { ...broken(name, error), state: "note" };
  }
}

/** The first line of what a command prints; null when it cannot be run or fails. */
async function output({ env, cwd }: Context, argv: string[]): Promise<string | null> {
  const given = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const result = await runCommand(argv, {
    cwd,
    env: Object.fromEntries(given),
    timeoutMs: ANSWER_WITHIN,
    maxOutputBytes: 64 * 1024,
  });
  if (result.exitCode !== 0) return null;
  return inline(result.stdout.toString("utf8").split("\n", 1)[0] ?? "");
}
