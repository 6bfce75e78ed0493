import type { AgentEvent, AgentStream, TokenUsage } from "./events.ts";
import { LineSplitter } from "./lines.ts";
import type { Line } from "./lines.ts";

/** Reads what `claude -p --output-format stream-json --verbose` prints: one JSON object per line. */
export class ClaudeStream implements AgentStream {
  // A line holds at most one content block; the longest legitimate ones are tool results with images (a few MiB).
  readonly #lines = new LineSplitter(16 * MEBI, 4 * KIBI);

  push(bytes: Uint8Array): AgentEvent[] {
    return this.#lines.push(bytes).flatMap(eventsOf);
  }

  end(): AgentEvent[] {
    return this.#lines.end().flatMap(eventsOf);
  }
}

const KIBI = 1024;
const MEBI = 1024 * KIBI;

function eventsOf(line: Line): AgentEvent[] {
  if (line.text.trim() === "") return [];
  const message = line.truncated ? null : parseObject(line.text);
  const read = message === null ? undefined : READERS.get(string(message["type"]));
  if (message === null || read === undefined) return [{ type: "unknown", line: line.text, truncated: line.truncated }];
  return read(message);
}

/**
 * Lines of these types are understood; those that tell nothing of the work (progress, hooks, status) give no events.
 * Any other type is kept as unknown, so that an agent newer than makima loses nothing.
 */
const READERS = new Map<string, (message: Fields) => AgentEvent[]>([
  ["system", readSystem],
  ["assistant", readAssistant],
  ["user", readToolResults],
  ["rate_limit_event", readRateLimit],
  ["result", readResult],
]);

function readSystem(message: Fields): AgentEvent[] {
  switch (message["subtype"]) {
    case "init":
      return [{ type: "init", sessionId: string(message["session_id"]), model: stringOrNull(message["model"]) }];
    case "api_retry":
      return [
        {
          type: "retry",
          attempt: number(message["attempt"]),
          maxAttempts: number(message["max_retries"]),
          delayMs: Math.round(number(message["retry_delay_ms"])),
          status: numberOrNull(message["error_status"]),
          reason: string(message["error"]),
        },
      ];
    default:
      return [];
  }
}

function readAssistant(message: Fields): AgentEvent[] {
  const body = object(message["message"]);
  const blocks = list(body["content"]);
  const code = stringOrNull(message["error"]);
  // Claude Code reports its own failures as if its model had said them, marked so. A gate in there is not the model's.
  if (code !== null || body["model"] === "<synthetic>")
    return [{ type: "error", code: code ?? "", text: textOf(blocks) }];
  const main = isMain(message);
  return blocks.flatMap((block) => readBlock(block, main));
}

function readBlock(block: Fields, main: boolean): AgentEvent[] {
  switch (block["type"]) {
    case "text":
      return [{ type: "text", text: string(block["text"]), main }];
    case "thinking":
      return [{ type: "thinking", text: string(block["thinking"]), main }];
    case "tool_use":
      return [
        { type: "tool-use", id: string(block["id"]), name: string(block["name"]), input: block["input"] ?? null, main },
      ];
    default:
      return [];
  }
}

function readToolResults(message: Fields): AgentEvent[] {
  const main = isMain(message);
  return list(object(message["message"])["content"]).flatMap((block): AgentEvent[] => {
    if (block["type"] !== "tool_result") return [];
    const { content } = block;
    return [
      {
        type: "tool-result",
        id: string(block["tool_use_id"]),
        isError: block["is_error"] === true,
        text: typeof content === "string" ? content : textOf(list(content)),
        main,
      },
    ];
  });
}

/** Warnings, and limits that paid usage gets round, are for people who watch their account. */
function readRateLimit(message: Fields): AgentEvent[] {
  const info = object(message["rate_limit_info"]);
  if (info["status"] !== "rejected" || info["isUsingOverage"] === true) return [];
  const seconds = numberOrNull(info["resetsAt"]);
  const until = seconds === null ? null : seconds * 1000;
  return [{ type: "usage-limit", until, text: string(info["rateLimitType"]) }];
}

function readResult(message: Fields): AgentEvent[] {
  const denials = list(message["permission_denials"]);
  // A turn that never began (an unknown session, say) has `errors` in place of `result`.
  const errors = Array.isArray(message["errors"]) ? message["errors"].map(string).join("\n") : "";
  return [
    ...denials.map((denial): AgentEvent => ({ type: "permission-denied", tool: string(denial["tool_name"]) })),
    {
      type: "result",
      isError: message["is_error"] === true,
      text: stringOrNull(message["result"]) ?? errors,
      subtype: string(message["subtype"]),
      sessionId: stringOrNull(message["session_id"]),
      apiStatus: numberOrNull(message["api_error_status"]),
      costUsd: number(message["total_cost_usd"]),
      durationMs: number(message["duration_ms"]),
      usage: tokenUsage(object(message["usage"])),
      permissionDenials: denials.length,
    },
  ];
}

function tokenUsage(usage: Fields): TokenUsage {
  return {
    inputTokens: number(usage["input_tokens"]),
    outputTokens: number(usage["output_tokens"]),
    cacheReadTokens: number(usage["cache_read_input_tokens"]),
    cacheWriteTokens: number(usage["cache_creation_input_tokens"]),
  };
}

function isMain(message: Fields): boolean {
  return (message["parent_tool_use_id"] ?? null) === null;
}

function textOf(blocks: Fields[]): string {
  return blocks.flatMap((block) => (block["type"] === "text" ? [string(block["text"])] : [])).join("\n");
}

/** An agent's output is from outside: every field may be missing or of another type, and then counts as empty. */
type Fields = Record<string, unknown>;

function parseObject(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function object(value: unknown): Fields {
  return isObject(value) ? value : {};
}

function list(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function string(value: unknown): string {
  return stringOrNull(value) ?? "";
}

function stringOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function number(value: unknown): number {
  return numberOrNull(value) ?? 0;
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
