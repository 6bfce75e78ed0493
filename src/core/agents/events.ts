/**
 * What an agent did, whatever it is and however it says so. `main` is false for what a sub-agent did: only the main
 * agent's own text can hold a completion gate.
 */
export type AgentEvent =
  | { type: "init"; sessionId: string; model: string | null }
  | { type: "text"; text: string; main: boolean }
  | { type: "thinking"; text: string; main: boolean }
  | { type: "tool-use"; id: string; name: string; input: unknown; main: boolean }
  | { type: "tool-result"; id: string; isError: boolean; text: string; main: boolean }
  /** The agent's call of its model failed and is tried again after `delayMs`; `status` is the HTTP status. */
  | { type: "retry"; attempt: number; maxAttempts: number; delayMs: number; status: number | null; reason: string }
  /**
   * The account is spent. `until` is the reset time in milliseconds UTC, null when the agent does not say; `text` names
   * the limit, such as `five_hour`.
   */
  | { type: "usage-limit"; until: number | null; text: string }
  /** One for each entry that `permissionDenials` of the result counts. */
  | { type: "permission-denied"; tool: string }
  /** The agent's own word, not its model's, on what went wrong; `code` is the agent's, such as `authentication_failed`. */
  | { type: "error"; code: string; text: string }
  | AgentResult
  /** A line that is not what the agent is known to print; `truncated` when it was too long to keep. */
  | { type: "unknown"; line: string; truncated: boolean };

/** How the agent's turn ended. An agent that was interrupted may never say it. */
export interface AgentResult {
  type: "result";
  isError: boolean;
  /** The final answer, or what went wrong. */
  text: string;
  /** The agent's name for this end, such as `success` or `error_max_turns`. */
  subtype: string;
  sessionId: string | null;
  /** HTTP status of the model call that ended the turn. */
  apiStatus: number | null;
  costUsd: number;
  durationMs: number;
  usage: TokenUsage;
  permissionDenials: number;
}

export interface TokenUsage {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
}

/** Turns an agent's stdout into events, fed with chunks cut anywhere. It belongs to one process: never throws, not reusable. */
export interface AgentStream {
  push(bytes: Uint8Array): AgentEvent[];
  /** The events of what is still held back; call it once, when the output has ended. */
  end(): AgentEvent[];
}
