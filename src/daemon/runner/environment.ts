import { delimiter } from "node:path";
import type { RunSpec } from "../../protocol/run-spec.ts";
import type { AgentSettings, Environment } from "../agents/agent.ts";
import type { RunnerServices } from "./context.ts";

/** What every program needs to start at all, whoever it is. */
const BASIC = ["PATH", "HOME", "LANG", "TERM"];

type Variables = Readonly<Record<string, string>>;

/** Ports 20000-29999 in blocks of ten: below the usual ephemeral range, above the usual services. */
const FIRST_PORT = 20_000;
const PORT_BLOCK = 10;
const PORT_BLOCKS = 1_000;

/**
 * Environment of the agent: the basics, what its settings name, what makima says of the task, and nothing else. `sandbox`:
 * what its sandbox makes of what comes from outside; nothing where it has none.
 */
export function agentEnvironment(
  spec: RunSpec,
  settings: AgentSettings,
  { environment, serverUrl, bin }: Pick<RunnerServices, "environment" | "serverUrl" | "bin">,
  sandbox: Variables = {},
): Record<string, string> {
  const given = { ...pick(environment, [...BASIC, ...settings.passEnv]), ...sandbox, ...settings.env };
  return {
    ...given,
    // The daemon's own makima comes before any other. An empty part would stand for the checkout.
    PATH: [bin, given["PATH"] ?? ""].filter((part) => part !== "").join(delimiter),
    ...taskEnvironment(spec),
    // Not the spec's: a local server may have come back on another port since the run was made.
    MAKIMA_API_URL: serverUrl,
    MAKIMA_API_KEY: spec.taskToken,
  };
}

/** Environment of a check: it judges the work, so it gets neither the agent's credentials nor the task's token. */
export function checkEnvironment(
  spec: RunSpec,
  { environment, passEnv }: Pick<RunnerServices, "environment" | "passEnv">,
  sandbox: Variables = {},
): Record<string, string> {
  return { ...pick(environment, [...BASIC, ...passEnv]), ...sandbox, ...taskEnvironment(spec) };
}

/** Environment of a check on a merged tree, which no run is at work on; the ports are those of the merged task. */
export function mergeCheckEnvironment(
  taskId: string,
  passEnv: readonly string[],
  own: Environment,
  sandbox: Variables = {},
): Record<string, string> {
  const given = commandEnvironment(passEnv, own, sandbox);
  return { ...given, MAKIMA_TASK_ID: taskId, MAKIMA_PORT_BASE: String(portBase(taskId)) };
}

/** Environment of a command that is about no task. */
export function commandEnvironment(
  passEnv: readonly string[],
  own: Environment,
  sandbox: Variables,
): Record<string, string> {
  return { ...pick(own, [...BASIC, ...passEnv]), ...sandbox };
}

function taskEnvironment(spec: RunSpec): Record<string, string> {
  return {
    MAKIMA_TASK_ID: spec.taskId,
    MAKIMA_CONTRACT_ID: spec.contractId,
    MAKIMA_RUN_ID: spec.runId,
    MAKIMA_PORT_BASE: String(portBase(spec.taskId)),
  };
}

/** Derived from the task's id, so that it is the same after every restart and needs no table. */
function portBase(taskId: string): number {
  const random = Number.parseInt(taskId.replaceAll("-", "").slice(-8), 16);
  return FIRST_PORT + (random % PORT_BLOCKS) * PORT_BLOCK;
}

function pick(own: Environment, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = own[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}
