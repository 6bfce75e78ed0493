import fc from "fast-check";
import assert from "node:assert/strict";
import { it } from "node:test";
import { ClaudeStream } from "./claude-stream.ts";
import type { AgentEvent } from "./events.ts";

// Lines as Claude Code 2.1.197 prints them, without the fields that nothing is read from.
const INIT = { type: "system", subtype: "init", session_id: "s-1", model: "claude-opus-4-8[1m]", tools: ["Bash"] };

it("reads what the agent says, thinks and does", () => {
  const blocks = [
    { type: "thinking", thinking: "hm", signature: "x" },
    { type: "text", text: "I write" },
    { type: "tool_use", id: "t-1", name: "Bash", input: { command: "ls" } },
  ];
  assert.deepEqual(read([INIT, assistant(blocks)]), [
    { type: "init", sessionId: "s-1", model: "claude-opus-4-8[1m]" },
    { type: "thinking", text: "hm", main: true },
    { type: "text", text: "I write", main: true },
    { type: "tool-use", id: "t-1", name: "Bash", input: { command: "ls" }, main: true },
  ]);
});

it("tells a sub-agent's words from the main agent's", () => {
  const line = { ...assistant([{ type: "text", text: "ready: true" }]), parent_tool_use_id: "t-1" };
  assert.deepEqual(read([line]), [{ type: "text", text: "ready: true", main: false }]);
});

it("reads the results of tools, given as text or as blocks", () => {
  const text = { type: "tool_result", tool_use_id: "t-1", content: "Exit code 3", is_error: true };
  const parts = [{ type: "text", text: "a" }, { type: "image" }, { type: "text", text: "b" }];
  const content = [text, { type: "tool_result", tool_use_id: "t-2", content: parts }, { type: "text", text: "prompt" }];
  assert.deepEqual(read([{ type: "user", message: { content }, parent_tool_use_id: null }]), [
    { type: "tool-result", id: "t-1", isError: true, text: "Exit code 3", main: true },
    { type: "tool-result", id: "t-2", isError: false, text: "a\nb", main: true },
  ]);
});

it("reads the result with cost, usage and permission denials", () => {
  const result = {
    type: "result",
    subtype: "success",
    is_error: false,
    api_error_status: null,
    duration_ms: 658,
    result: "done",
    session_id: "s-1",
    total_cost_usd: 0.007,
    usage: { input_tokens: 600, output_tokens: 120, cache_read_input_tokens: 7, cache_creation_input_tokens: 8 },
    permission_denials: [{ tool_name: "Bash", tool_use_id: "t-1", tool_input: {} }],
  };
  assert.deepEqual(read([result]), [
    { type: "permission-denied", tool: "Bash" },
    {
      type: "result",
      isError: false,
      text: "done",
      subtype: "success",
      sessionId: "s-1",
      apiStatus: null,
      costUsd: 0.007,
      durationMs: 658,
      usage: { inputTokens: 600, outputTokens: 120, cacheReadTokens: 7, cacheWriteTokens: 8 },
      permissionDenials: 1,
    },
  ]);
});

it("takes the text of a result without an answer from its errors", () => {
  const errors = ["No conversation found with session ID: s-1"];
  const [result] = read([{ type: "result", subtype: "error_during_execution", is_error: true, errors }]);
  assert.equal(result?.type, "result");
  assert.equal(result.text, errors[0]);
  assert.equal(result.isError, true);
});

it("does not take Claude Code's own failures for the model's words", () => {
  const content = [{ type: "text", text: "Not logged in · Please run /login" }];
  const line = { type: "assistant", message: { model: "<synthetic>", content }, error: "authentication_failed" };
  const text = "Not logged in · Please run /login";
  assert.deepEqual(read([line]), [{ type: "error", code: "authentication_failed", text }]);
});

it("reports a spent account, and neither warnings nor paid overage", () => {
  const limits = [
    { status: "allowed_warning", resetsAt: 1 },
    { status: "rejected", isUsingOverage: true, resetsAt: 1 },
    { status: "rejected", isUsingOverage: false, rateLimitType: "five_hour", resetsAt: 1_795_239_593 },
    { status: "rejected" },
  ];
  assert.deepEqual(read(limits.map((info) => ({ type: "rate_limit_event", rate_limit_info: info }))), [
    { type: "usage-limit", until: 1_795_239_593_000, text: "five_hour" },
    { type: "usage-limit", until: null, text: "" },
  ]);
});

it("reports retries of the model call", () => {
  const retry = { attempt: 2, max_retries: 10, retry_delay_ms: 1105.48, error_status: 429, error: "rate_limit" };
  assert.deepEqual(read([{ type: "system", subtype: "api_retry", ...retry }]), [
    { type: "retry", attempt: 2, maxAttempts: 10, delayMs: 1105, status: 429, reason: "rate_limit" },
  ]);
});

it("keeps lines that it does not know, and is silent about those that tell nothing", () => {
  const unknown = ["not json", "[1]", '{"type":"tomorrow"}', '{"type":"__proto__"}'];
  const silent = ['{"type":"system","subtype":"status"}', "", "  "];
  assert.deepEqual(
    readText([...unknown, ...silent].join("\n")),
    unknown.map((line) => ({ type: "unknown", line, truncated: false })),
  );
});

it("survives a line of 20 MB and reads the next one", () => {
  const stream = new ClaudeStream();
  const chunk = Buffer.alloc(1_000_000, "x");
  const events = Array.from({ length: 20 }, () => stream.push(chunk)).flat();
  assert.deepEqual(events, [{ type: "unknown", line: "x".repeat(4096), truncated: true }]);
  assert.equal(stream.push(Buffer.from(`\n${JSON.stringify(INIT)}\n`))[0]?.type, "init");
});

it("never throws, whatever the fields hold", () => {
  const types = fc.constantFrom("system", "assistant", "user", "rate_limit_event", "result");
  const names = fc.constantFrom("subtype", "message", "content", "permission_denials", "errors", "usage", "type");
  const line = fc.tuple(types, fc.dictionary(names, fc.jsonValue())).map(([type, rest]) => ({ ...rest, type }));
  fc.assert(fc.property(fc.array(line), (lines) => void read(lines)));
});

function assistant(content: unknown[]) {
  return { type: "assistant", message: { model: "claude-opus-4-8", content }, parent_tool_use_id: null };
}

function read(lines: object[]): AgentEvent[] {
  return readText(lines.map((line) => JSON.stringify(line)).join("\n"));
}

function readText(text: string): AgentEvent[] {
  const stream = new ClaudeStream();
  return [...stream.push(Buffer.from(text)), ...stream.end()];
}
