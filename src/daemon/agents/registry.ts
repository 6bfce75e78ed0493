import type { Agent, AgentSettings, Environment } from "./agent.ts";
import { createClaude } from "./claude.ts";
import { createCommandAgent } from "./command.ts";

/** The agent that `settings` describe; its command is looked for on the PATH of `environment`. */
export function createAgent(settings: AgentSettings, environment: Environment): Agent {
  return FACTORIES[settings.kind](settings, environment);
}

const FACTORIES: Record<AgentSettings["kind"], (settings: AgentSettings, environment: Environment) => Agent> = {
  claude: createClaude,
  command: createCommandAgent,
};
