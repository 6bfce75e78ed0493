import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { attach, launch } from "../../platform/process/detached.ts";
import type { DetachedProcess } from "../../platform/process/detached.ts";
import type { RunEventOf } from "../../protocol/run-events.ts";
import { iterationPath } from "../../protocol/streams.ts";
import { sandboxVariables } from "../sandbox/caches.ts";
import type { SandboxedProcess } from "../sandbox/policy.ts";
import type { RunAgent, RunContext } from "./context.ts";
import { agentEnvironment } from "./environment.ts";
import { moveKeyToFile } from "./key-file.ts";
import { sandboxPlace } from "./place.ts";
import { promptOf, systemPrompt } from "./prompt.ts";

interface AgentStart extends RunAgent {
  started: RunEventOf<"iteration-started">;
  /** US dollars; null: no limit. */
  budgetUsdLeft: number | null;
}

/** The iteration's process: the one that is there, running or ended, else a new one. */
export async function ensureAgent(run: RunContext, start: AgentStart): Promise<DetachedProcess> {
  const { agent, settings, started, budgetUsdLeft } = start;
  const dir = join(run.directory.path, iterationPath(started.index));
  const there = await attach(dir);
  if (there !== null) return there;
  const { spec, services, state } = run;
  if (state.checkout === null) throw new Error("an iteration needs a checkout");
  const place = state.sandboxed ? await sandboxPlace(run) : null;
  const inside = place === null ? {} : sandboxVariables(place.caches);
  const given = agentEnvironment(spec, settings, services, inside);
  const { env, keyFile } = await moveKeyToFile(given, agent.keyVariable, dir);
  const mcpConfig = settings.mcp ? await writeMcpConfig(run) : null;
  const command = agent.commandLine({
    prompt: await promptOf(run, started.index),
    systemPrompt: systemPrompt(spec),
    sessionId: started.sessionId,
    resume: started.resumed,
    budgetUsdLeft,
    supervises: spec.supervision !== null,
    mcpConfig,
    keyFile,
  });
  const stdinFile = join(dir, "stdin");
  await writeFile(stdinFile, command.stdin, { mode: 0o600 });
  const sandbox = place && (await sandboxOf(run, start, { ...place, env }, { mcpConfig, keyFile }));
  const { argv } = command;
  return launch({ argv, cwd: state.checkout.worktree, env: { ...command.env, ...env }, stdinFile, dir, sandbox });
}

/**
 * The file that tells an agent of makima's MCP server. It holds no secret: the server gets the environment of the agent
 * that starts it, and the task's token with it.
 */
async function writeMcpConfig({ directory, services }: RunContext): Promise<string> {
  const file = join(directory.path, "mcp.json");
  // Claude Code starts its first turn without a server that is still starting, unless that must always be there.
  const makima = { type: "stdio", command: join(services.bin, "makima"), args: ["mcp"], alwaysLoad: true };
  await writeFile(file, JSON.stringify({ mcpServers: { makima } }), { mode: 0o600 });
  return file;
}

function sandboxOf(
  { services }: RunContext,
  { agent, settings: { command } }: RunAgent,
  place: SandboxedProcess,
  { mcpConfig, keyFile }: { mcpConfig: string | null; keyFile: string | null },
): Promise<readonly string[]> {
  const state = agent.state(place.dir, place.env);
  const writable = [...state.writable, ...(keyFile === null ? [] : [dirname(keyFile)])];
  const files = mcpConfig === null ? [] : [mcpConfig];
  return services.sandboxes.forAgent({ ...place, command, state: { ...state, writable }, files });
}
