import { type AgentConfig, defaultAgent } from "./config.ts";
import type { Problem } from "./problems.ts";
import type { ConfigFile } from "./schema.ts";
import { tableOf } from "./toml.ts";

type AgentSections = NonNullable<ConfigFile["agents"]>;

const CLAUDE_KEYS = ["model", "permissionMode", "settingSources", "mcp", "apiKeyHelper"];

/** The agents that exist: the default ones and those of the sections, each section laid over its kind's defaults. */
export function mergeAgents(
  defaults: Record<string, AgentConfig>,
  sections: AgentSections,
): Record<string, AgentConfig> {
  const agents = { ...defaults };
  for (const [name, section] of Object.entries(sections)) {
    const given = Object.entries(section).filter(([, value]) => value !== undefined);
    agents[name] = { ...defaultAgent(kindOf(name, section)), ...Object.fromEntries(given) };
  }
  return agents;
}

/** What the schema of one section cannot say, because it depends on the agent's kind. Takes unchecked data. */
export function agentProblems(sections: Record<string, unknown>): Problem[] {
  return Object.entries(sections).flatMap(([name, value]) => {
    const section = tableOf(value);
    if (kindOf(name, section) === "claude") return [];
    const foreign = CLAUDE_KEYS.filter((key) => key in section);
    return [
      ...("command" in section ? [] : [{ path: ["agents", name], message: "its command is missing" }]),
      ...foreign.map((key) => ({ path: ["agents", name, key], message: 'only an agent of kind "claude" has this' })),
    ];
  });
}

function kindOf(name: string, section: { kind?: unknown }): AgentConfig["kind"] {
  return section.kind === "claude" || (name === "claude" && section.kind !== "command") ? "claude" : "command";
}
