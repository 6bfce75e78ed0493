import { delimiter, isAbsolute, join } from "node:path";
import type { BubblewrapConfig } from "../../platform/config/config.ts";
import type { SandboxRequest } from "../../platform/sandbox/request.ts";
import type { AgentState } from "../agents/agent.ts";
import { cloneConfig, cloneIndexes } from "../checkout/checkout.ts";
import { secretPaths } from "./hidden.ts";

/** What is makima's own on this machine; all paths absolute. */
export interface Estate {
  /** The home directory of the user that makima runs as. */
  userHome: string;
  /** makima's data directory: runs, database, keys. */
  home: string;
  /** Directory of the command `makima`, for agents to call. */
  bin: string;
  /** Directory below which checkouts are made. */
  worktrees: string;
  /** makima's configuration, and the files with secrets that it names. */
  secrets: readonly string[];
  /** Where makima's own program and its interpreter lie. */
  programs: readonly string[];
}

/** One process that is to be sandboxed. */
export interface SandboxedProcess {
  /** The checkout that it works in. */
  dir: string;
  /** Git directory of the repository that the checkout borrows its objects from. */
  repository: string;
  /** Directory of its package managers' caches; null: none that outlives it. */
  caches: string | null;
  /** Its whole environment: says what of the outside it leans on. */
  env: Readonly<Record<string, string | undefined>>;
}

/** An agent: calls makima, and keeps what its kind keeps. */
export interface SandboxedAgent extends SandboxedProcess {
  state: AgentState;
  /** Where its program lies. */
  programs: readonly string[];
  /** Files of makima that it is to read, such as the one that tells of the MCP server. */
  files: readonly string[];
}

/** What an agent may see and write. */
export function agentRequest(config: BubblewrapConfig, estate: Estate, agent: SandboxedAgent): SandboxRequest {
  const { state } = agent;
  const request = checkRequest(config, estate, agent);
  return {
    ...request,
    exposed: [...request.exposed, ...agent.programs, ...state.readable],
    hidden: [...request.hidden, ...state.hidden],
    scratch: state.scratch,
    // The directory and not the command in it, which every start of a daemon replaces.
    readonly: [...request.readonly, estate.bin, ...agent.files],
    writable: [...request.writable, ...state.writable],
  };
}

/** What a check may see and write: all that an agent may, without what is the agent's own and without makima. */
export function checkRequest(config: BubblewrapConfig, estate: Estate, check: SandboxedProcess): SandboxRequest {
  const { dir, repository, caches, env } = check;
  return {
    dir,
    exposed: [...estate.programs, repository, ...leanedOn(env)],
    hidden: [...hiddenFrom(estate, env), ...config.hidden],
    scratch: [],
    readonly: config.readonly,
    writable: [...config.writable, ...(caches === null ? [] : [caches])],
    overlays: [],
    tmpBytes: config.tmpSizeBytes,
    network: config.network,
    extraArgs: config.extraArgs,
  };
}

/**
 * What makima's own git may see and write in a checkout that an agent has had in its hands: neither a program that it
 * finds there, nor a path that leads astray, reaches anything but that checkout. The configuration that git reads is the
 * one that makima wrote, beside the checkout.
 */
export function gitRequest(
  config: BubblewrapConfig,
  estate: Estate,
  { dir, repository, env }: Omit<SandboxedProcess, "caches">,
): SandboxRequest {
  return {
    dir,
    exposed: [repository, ...leanedOn(env)],
    hidden: [...hiddenFrom(estate, env), ...config.hidden],
    scratch: [],
    readonly: config.readonly,
    writable: [cloneIndexes(dir)],
    overlays: [{ from: cloneConfig(dir), at: join(dir, ".git", "config") }],
    tmpBytes: config.tmpSizeBytes,
    network: "none",
    extraArgs: config.extraArgs,
  };
}

/** Without secrets, and without what is makima's own: other checkouts, runs, database, keys. */
function hiddenFrom({ userHome, home, worktrees, secrets }: Estate, env: SandboxedProcess["env"]): string[] {
  const homes = new Set([userHome, ...pathsOf(env, ["HOME"])]);
  return [...secretPaths([...homes]), home, worktrees, ...secrets];
}

/** What a process's environment points to: its home, its programs, its certificates, the person's git configuration. */
function leanedOn(env: SandboxedProcess["env"]): string[] {
  const programs = (env["PATH"] ?? "").split(delimiter).filter(isAbsolute);
  return [...pathsOf(env, ["HOME", "XDG_CONFIG_HOME"]), ...programs, ...pathsOf(env, FILE_VARIABLES)];
}

const FILE_VARIABLES = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_CONFIG_GLOBAL"];

function pathsOf(env: SandboxedProcess["env"], names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const path = env[name];
    return path !== undefined && isAbsolute(path) ? [path] : [];
  });
}
