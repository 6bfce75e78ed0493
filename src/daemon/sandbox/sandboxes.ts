import { mkdir } from "node:fs/promises";
import type { BubblewrapConfig } from "../../platform/config/config.ts";
import { userHome } from "../../platform/config/paths.ts";
import type { Environment, Paths } from "../../platform/config/paths.ts";
import { ensurePrivateDir } from "../../platform/files.ts";
import { findBubblewrap } from "../../platform/sandbox/find.ts";
import { prepareSandbox } from "../../platform/sandbox/prepare.ts";
import { probeSandbox } from "../../platform/sandbox/probe.ts";
import type { SandboxRequest } from "../../platform/sandbox/request.ts";
import type { AgentState } from "../agents/agent.ts";
import { cloneIndexes, readRecord } from "../checkout/checkout.ts";
import { contractCaches } from "./caches.ts";
import { agentRequest, checkRequest, gitRequest } from "./policy.ts";
import type { Estate, SandboxedProcess } from "./policy.ts";
import { programPaths } from "./programs.ts";

export interface SandboxesOptions {
  config: BubblewrapConfig;
  /** makima's own. */
  environment: Environment;
  paths: Paths;
  /** Directory below which checkouts are made. */
  worktrees: string;
  /** makima's configuration file, and the files that it names because they hold a secret. */
  secrets: readonly string[];
  /** Program and arguments that make makima's command line. */
  selfCommand: readonly string[];
}

/** An agent that is to be sandboxed. */
export interface AgentProcess extends SandboxedProcess {
  /** Its program, as configured, with the arguments that come first. */
  command: readonly string[];
  state: AgentState;
  /** Files of makima that it is to read. */
  files: readonly string[];
}

/** A prepared sandbox: what stands before a program and its arguments to start it in there. */
type Prefix = readonly string[];

/**
 * The sandboxes of a machine: who may see and write what. Each is prepared anew for every process, since what there is to
 * hide may have come since. All of them fail closed: they reject with `sandbox_unavailable` where bubblewrap is missing, too
 * old or refused by the kernel, and with the path where something that is to be hidden cannot be.
 */
export class Sandboxes {
  readonly #options: SandboxesOptions;
  #bwrap: Promise<string> | null = null;
  #estate: Promise<Estate> | null = null;

  constructor(options: SandboxesOptions) {
    this.#options = options;
  }

  /** Whether every agent and check is to be sandboxed, also those whose task does not ask for it. */
  get enabled(): boolean {
    return this.#options.config.enabled;
  }

  /** Directory of the package managers' caches of a contract. */
  caches(contractId: string): string {
    return contractCaches(this.#options.paths.home, contractId);
  }

  /** Rejects with `sandbox_unavailable` unless a sandbox can be had; to be asked before anything is made for a run. */
  async require(): Promise<void> {
    await this.#find();
  }

  /** For one process of an agent. Makes the directories that it is to write to. */
  async forAgent(agent: AgentProcess): Promise<Prefix> {
    const { writable, scratch } = agent.state;
    for (const path of [...writable, ...scratch]) await mkdir(path, { recursive: true, mode: 0o700 });
    const programs = await programPaths(agent.command, agent.env["PATH"] ?? "");
    return this.#prepare(agentRequest(this.#options.config, await this.#places(), { ...agent, programs }), agent);
  }

  /** For a check, or any other command in a checkout that is not to have what is an agent's. */
  async forCheck(check: SandboxedProcess): Promise<Prefix> {
    return this.#prepare(checkRequest(this.#options.config, await this.#places(), check), check);
  }

  /** For makima's own git in the cloned checkout at `dir`. */
  async forGit(dir: string): Promise<Prefix> {
    const record = await readRecord(dir);
    if (record === null) throw new Error(`there is no record of a checkout at ${dir}`);
    await ensurePrivateDir(cloneIndexes(dir));
    const { config, environment: env } = this.#options;
    return this.#prepare(gitRequest(config, await this.#places(), { dir, repository: record.commonDir, env }), null);
  }

  async #prepare(request: SandboxRequest, process: SandboxedProcess | null): Promise<Prefix> {
    if (process !== null && process.caches !== null) await ensurePrivateDir(process.caches);
    return prepareSandbox(await this.#find(), request);
  }

  /** Looked for until it is found: a person may have installed or allowed it meanwhile. */
  async #find(): Promise<string> {
    this.#bwrap ??= find(this.#options.environment);
    try {
      return await this.#bwrap;
    } catch (error) {
      this.#bwrap = null;
      throw error;
    }
  }

  #places(): Promise<Estate> {
    this.#estate ??= estateOf(this.#options);
    return this.#estate;
  }
}

async function find(environment: Environment): Promise<string> {
  const bwrap = await findBubblewrap(environment);
  await probeSandbox(bwrap, environment);
  return bwrap;
}

async function estateOf({ environment, paths, worktrees, secrets, selfCommand }: SandboxesOptions): Promise<Estate> {
  return {
    userHome: userHome(environment),
    home: paths.home,
    bin: paths.bin,
    worktrees,
    secrets,
    programs: await programPaths(selfCommand, environment["PATH"] ?? ""),
  };
}
