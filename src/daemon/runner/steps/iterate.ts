import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CircuitBreaker } from "../../../core/circuit-breaker.ts";
import { attach, launch } from "../../../platform/process/detached.ts";
import type { DetachedProcess } from "../../../platform/process/detached.ts";
import type { RunEventOf } from "../../../protocol/run-events.ts";
import { iterationPath } from "../../../protocol/streams.ts";
import type { Agent, AgentSettings } from "../../agents/agent.ts";
import { breakerOf } from "../breaker.ts";
import type { RunContext } from "../context.ts";
import { agentEnvironment } from "../environment.ts";
import { openInterruption } from "../interruption.ts";
import { observe } from "../observe.ts";
import type { ObserveOptions } from "../observe.ts";
import { onAbort } from "../on-abort.ts";
import { promptOf, systemPrompt } from "../prompt.ts";
import { conclude } from "./conclude.ts";

/** Follows the open iteration's agent to its end, starting it if no daemon has yet, and records the verdict. */
export async function iterate(run: RunContext): Promise<void> {
  const { open } = run.state;
  if (open === null) throw new Error("no iteration is open");
  const { agent, settings } = await run.agent();
  const breaker = breakerOf(run);
  const path = iterationPath(open.started.index);
  using _upload = run.upload.follow(path);
  await using process = await ensureAgent(run, { agent, settings, breaker, started: open.started, path });
  void run.catchUp();
  using _letGo = onAbort(run.detach, () => void process[Symbol.asyncDispose]());
  using interruption = await openInterruption(run, process.dir);
  const observation = await observe({
    process,
    stream: agent.createStream(),
    limits: limitsOf(run, breaker),
    elapsedMs: Math.max(0, run.now() - open.started.at),
    cancel: run.cancel.signal,
    interruption,
    toolCalled: (name, input) => breaker.recordToolCall(name, input),
  });
  await conclude(run, { open, agent, breaker, observation, dir: process.dir });
}

/** The run's own time limit holds in the middle of an iteration, too. */
function limitsOf({ spec }: RunContext, breaker: CircuitBreaker): ObserveOptions["limits"] {
  const { idleTimeoutMs, iterationTimeoutMs } = spec.limits;
  return { idleTimeoutMs, iterationTimeoutMs: Math.min(iterationTimeoutMs, breaker.remainingMs ?? iterationTimeoutMs) };
}

interface AgentStart {
  agent: Agent;
  settings: AgentSettings;
  breaker: CircuitBreaker;
  started: RunEventOf<"iteration-started">;
  path: string;
}

/** The iteration's process: the one that is there, running or ended, else a new one. */
async function ensureAgent(run: RunContext, start: AgentStart): Promise<DetachedProcess> {
  const { agent, settings, breaker, started, path } = start;
  const dir = join(run.directory.path, path);
  const there = await attach(dir);
  if (there !== null) return there;
  const { spec, services } = run;
  const command = agent.commandLine({
    prompt: await promptOf(run, started.index),
    systemPrompt: systemPrompt(spec),
    sessionId: started.sessionId,
    resume: started.resumed,
    budgetUsdLeft: breaker.remainingUsd,
    supervises: spec.supervision !== null,
    mcpConfig: settings.mcp ? await writeMcpConfig(run) : null,
  });
  const stdinFile = join(dir, "stdin");
  await writeFile(stdinFile, command.stdin, { mode: 0o600 });
  const { checkout } = run.state;
  if (checkout === null) throw new Error("an iteration needs a checkout");
  return launch({
    argv: command.argv,
    cwd: checkout.worktree,
    env: { ...command.env, ...agentEnvironment(spec, settings, services) },
    stdinFile,
    dir,
  });
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
