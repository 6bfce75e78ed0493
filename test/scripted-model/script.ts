/**
 * What the model does, as plain data (a script can be a JSON file). An iteration is everything between one prompt and the
 * end of the agent's turn; its steps are handed out over as many requests as that takes: a tool step ends its response
 * with `stop_reason: tool_use`, and the steps behind it answer the request that brings the tool's result.
 */
export type Step =
  | { kind: "say"; text: string }
  | { kind: "think"; text: string }
  /** Claude Code really runs it. Paths are relative to the agent's working directory. */
  | { kind: "tool"; name: string; input: Record<string, unknown> }
  /** Tokens billed for the response it stands in. */
  | { kind: "usage"; inputTokens: number; outputTokens: number }
  /** Answers `times` requests with an HTTP error; must be the first step of a response. */
  | { kind: "refuse"; status: number; error: string; message: string; headers: Record<string, string>; times: number }
  /** Milliseconds of silence at this point of the response. */
  | { kind: "pause"; ms: number }
  /** Silence at this point of the response until the client gives up or the server closes. */
  | { kind: "hang" };

/** A request that starts an iteration, as a script in the form of a function sees it. */
export interface Turn {
  /** The session id of the conversation. */
  session: string;
  /** Counted from 0 within the conversation, over processes that resume it. */
  iteration: number;
  /** The text of the prompt, without what Claude Code adds to it. */
  prompt: string;
}

/** Iterations in order, the last one repeated for ever; or a function that makes them up. */
export type Script = { turns: Step[][] } | ((turn: Turn) => Step[]);

export function say(text: string): Step {
  return { kind: "say", text };
}

export function think(text: string): Step {
  return { kind: "think", text };
}

export function tool(name: string, input: Record<string, unknown>): Step {
  return { kind: "tool", name, input };
}

export function bash(command: string): Step {
  return tool("Bash", { command, description: "Run a command" });
}

/** Claude Code refuses to overwrite or edit a file that the conversation has not read. */
export function read(path: string): Step {
  return tool("Read", { file_path: path });
}

export function write(path: string, content: string): Step {
  return tool("Write", { file_path: path, content });
}

export function edit(path: string, from: string, to: string): Step {
  return tool("Edit", { file_path: path, old_string: from, new_string: to });
}

/** Starts a sub-agent; the model's answer to a sub-agent is the sub-agent's own prompt. */
export function delegate(prompt: string): Step {
  return tool("Agent", { description: "Delegate", prompt, subagent_type: "general-purpose", run_in_background: false });
}

export function usage(inputTokens: number, outputTokens: number): Step {
  return { kind: "usage", inputTokens, outputTokens };
}

export function pause(ms: number): Step {
  return { kind: "pause", ms };
}

export function hang(): Step {
  return { kind: "hang" };
}

/**
 * An HTTP error, by default for ever: Claude Code retries 401, 408, 409, 429 and 5xx ten times, the wait doubling from
 * 0.5 s to 32 s, and prints `{"type":"system","subtype":"api_retry","error_status":…}` each time. It gives up at once on
 * `x-should-retry: false`, after CLAUDE_CODE_MAX_RETRIES, and on any other status. Then it prints a message of the model
 * `<synthetic>` with `error` set, a result with `is_error: true` and `api_error_status`, and exits with 1:
 * - 401 "Failed to authenticate. API Error: 401 …" (`authentication_failed`), with CLAUDE_CODE_OAUTH_TOKEN after two
 *   retries; if the message is "invalid x-api-key": "Invalid API key · Fix external API key"
 * - 429 "API Error: Request rejected (429) · …" (`rate_limit`)
 * - 529 "API Error: 529 Overloaded. …" (`server_error`)
 * - 400 with "credit balance is too low" in its message: "Credit balance is too low" (`billing_error`)
 */
export function refuse(
  status: number,
  options: { error?: string; message?: string; headers?: Record<string, string>; times?: number } = {},
): Step {
  const {
    error = "api_error",
    message = "refused by the script",
    headers = {},
    times = Number.MAX_SAFE_INTEGER,
  } = options;
  return { kind: "refuse", status, error, message, headers, times };
}

/**
 * A spent subscription, answered to one request. `resetsAt` is in milliseconds, sent (and printed) in whole seconds.
 * With CLAUDE_CODE_OAUTH_TOKEN Claude Code does not retry; it prints
 * `{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":…,"rateLimitType":"five_hour",…}}`,
 * then "You've hit your session limit · resets 5:39am (UTC)" as synthetic message (`error: "rate_limit"`) and as result
 * (`is_error: true`, `api_error_status: 429`), and exits with 1 within a second or two.
 * With an API key the same headers mean nothing to it: the result is that of `refuse(429)`, without an event.
 */
export function usageLimit(resetsAt: number): Step {
  return refuse(429, {
    error: "rate_limit_error",
    message: "This request would exceed your account's rate limit. Please try again later.",
    headers: {
      "x-should-retry": "false",
      "anthropic-ratelimit-unified-status": "rejected",
      "anthropic-ratelimit-unified-representative-claim": "five_hour",
      "anthropic-ratelimit-unified-reset": String(Math.ceil(resetsAt / 1000)),
    },
    times: 1,
  });
}
