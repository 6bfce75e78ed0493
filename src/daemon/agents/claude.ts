import { createAgentStream } from "../../core/agents/index.ts";
import { shellQuote } from "../../platform/shell-quote.ts";
import type { Agent, AgentSettings, Environment, IterationRequest } from "./agent.ts";
import { claudeState } from "./claude-state.ts";
import { requireProgram } from "./program.ts";

/**
 * Claude Code in print mode. Without a login it exits with 1 and says "Not logged in · Please run /login"; resuming a
 * session that its home does not know ends the same way with "No conversation found with session ID: …".
 */
export function createClaude(settings: AgentSettings, environment: Environment): Agent {
  return {
    resumes: true,
    reportsResult: true,
    keyVariable: settings.apiKeyHelper ? "ANTHROPIC_API_KEY" : null,
    preflight: () => requireProgram(settings.command, environment),
    commandLine: (iteration) => ({
      argv: [...settings.command, ...claudeArguments(settings, iteration), ...settings.args],
      stdin: iteration.prompt,
      env: {
        ...OWN_VARIABLES,
        ...rootVariables(),
        ...(iteration.supervises ? PATIENCE : {}),
        ...(iteration.mcpConfig === null ? {} : TOOLS_FIRST),
        ...(iteration.keyFile === null ? {} : ASKED_ONCE),
      },
    }),
    state: claudeState,
    createStream: () => createAgentStream("claude"),
  };
}

/** An update in the middle of a run would change the agent between two iterations. */
const OWN_VARIABLES = { DISABLE_AUTOUPDATER: "1" };

/**
 * How long (ms) its Bash tool lets a command run when the agent does not say, and at most: 2 and 10 minutes by itself. The
 * commands that a supervisor waits with take up to ten minutes.
 */
const PATIENCE = { BASH_DEFAULT_TIMEOUT_MS: "660000", BASH_MAX_TIMEOUT_MS: "3600000" };

/**
 * How long (ms) its first turn waits for an MCP server that must always be there, and when that counts as failed: 5 s and 30 s
 * by themselves, which is little on a machine where several agents start.
 */
const TOOLS_FIRST = { MCP_CONNECT_TIMEOUT_MS: "60000", MCP_TIMEOUT: "60000" };

/** How long (ms, 23 days) it goes on with a key before it asks its helper again: there is no second answer. */
const ASKED_ONCE = { CLAUDE_CODE_API_KEY_HELPER_TTL_MS: "2000000000" };

/** Claude Code refuses to bypass permission questions as root unless it is told that nothing precious is in reach. */
function rootVariables(): Record<string, string> {
  return process.getuid?.() === 0 ? { IS_SANDBOX: "1" } : {};
}

function claudeArguments(settings: AgentSettings, iteration: IterationRequest): string[] {
  const { model } = settings;
  const { budgetUsdLeft, mcpConfig, keyFile } = iteration;
  return [
    "-p",
    "--output-format",
    "stream-json",
    // stream-json is refused without it.
    "--verbose",
    "--permission-mode",
    settings.permissionMode,
    // Settings in the checkout may hold hooks, which are commands that the agent itself could have written.
    "--setting-sources",
    settings.settingSources,
    // Without --strict-mcp-config: whoever has MCP servers of their own keeps them, as without this file. Those that the
    // checkout names are left out with its settings. It takes any number of files, so that an option must follow.
    ...(mcpConfig === null ? [] : ["--mcp-config", mcpConfig]),
    ...(keyFile === null ? [] : ["--settings", JSON.stringify({ apiKeyHelper: readOnce(keyFile) })]),
    "--append-system-prompt",
    iteration.systemPrompt,
    ...sessionArguments(iteration),
    ...(model === null ? [] : ["--model", model]),
    ...(budgetUsdLeft === null ? [] : ["--max-budget-usd", String(budgetUsdLeft)]),
  ];
}

/** The command whose output is the key. */
function readOnce(keyFile: string): string {
  return `cat ${shellQuote(keyFile)} && rm -f ${shellQuote(keyFile)}`;
}

function sessionArguments({ sessionId, resume }: IterationRequest): string[] {
  if (sessionId !== null) return [resume ? "--resume" : "--session-id", sessionId];
  return resume ? ["--continue"] : [];
}
