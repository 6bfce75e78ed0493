import { ClaudeStream } from "./claude-stream.ts";
import type { AgentStream } from "./events.ts";
import { TextStream } from "./text-stream.ts";

/** How an agent is spoken to: `claude` as Claude Code, `command` as any program with a prompt on stdin and text on stdout. */
export type AgentKind = "claude" | "command";

/** A reader of one agent process's stdout. */
export function createAgentStream(kind: AgentKind): AgentStream {
  return kind === "claude" ? new ClaudeStream() : new TextStream();
}
