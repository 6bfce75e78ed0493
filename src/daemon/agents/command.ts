import { createAgentStream } from "../../core/agents/index.ts";
import type { Agent, AgentSettings, Environment } from "./agent.ts";
import { requireProgram } from "./program.ts";

/** Any program that reads a prompt from stdin and writes what it has to say to stdout; each iteration is a new process. */
export function createCommandAgent(settings: AgentSettings, environment: Environment): Agent {
  return {
    resumes: false,
    reportsResult: false,
    keyVariable: null,
    preflight: () => requireProgram(settings.command, environment),
    commandLine: ({ prompt, systemPrompt }) => ({
      argv: [...settings.command, ...settings.args],
      // It has no system prompt and remembers nothing, so everything is said every time.
      stdin: `${prompt}\n\n${systemPrompt}\n`,
      env: {},
    }),
    // Nobody knows: whoever configures it names what it must write as [process.bubblewrap] writable.
    state: () => ({ readable: [], hidden: [], writable: [], scratch: [] }),
    createStream: () => createAgentStream("command"),
  };
}
