import { CONNECTION_OPTIONS, defineCommand } from "../command.ts";
import { connect } from "../connect.ts";
import { serveTools } from "../mcp/server.ts";
import { toolsFor } from "../mcp/tools.ts";

export const mcpCommand = defineCommand({
  details:
    "Serves the commands of `makima contract` and `makima supervisor` as tools over stdin and stdout, to any client " +
    "that speaks the Model Context Protocol. Which of them, and in which contract, the key decides: within a task its own.",
  arguments: [],
  options: CONNECTION_OPTIONS,
  examples: [
    ["makima mcp", "What an MCP client starts; see `mcp` in [agents.claude] for tasks"],
    ["makima mcp --server https://makima.example.com", "The same, for a server elsewhere"],
  ],
  async run(context, { options }) {
    const { call } = await connect(context, options);
    const { kind } = await call("whoAmI", {});
    const stop = new AbortController();
    using _signals = context.onSignals(["SIGINT", "SIGTERM"], () => stop.abort());
    // Every call finds the same server: what was named for this process holds for all of its tools.
    const env = options.server === null ? context.env : { ...context.env, MAKIMA_API_URL: options.server };
    const tools = await toolsFor(kind);
    await serveTools({ ...context, env: withConfig(env, options.config) }, tools, stop.signal);
    return 0;
  },
});

function withConfig(env: Readonly<Record<string, string | undefined>>, config: string | null) {
  return config === null ? { ...env } : { ...env, MAKIMA_CONFIG: config };
}
