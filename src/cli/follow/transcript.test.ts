import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Transcript } from "./transcript.ts";

const plain = (_format: unknown, text: string) => text;
const INIT = { type: "system", subtype: "init", session_id: "s", model: "claude-x" };

function assistant(...content: object[]) {
  return { type: "assistant", message: { model: "claude-x", content }, parent_tool_use_id: null };
}

function told(...messages: object[]): string[] {
  const transcript = new Transcript("claude", plain);
  const bytes = Buffer.from(messages.map((message) => `${JSON.stringify(message)}\n`).join(""));
  return [...transcript.push(bytes), ...transcript.end()];
}

test("a turn of Claude Code reads as text and one line for each tool", () => {
  const input = { command: "npm test\n--silent", description: "Run the tests" };
  const lines = told(
    INIT,
    assistant({ type: "text", text: "I run the tests.\nThen I fix them." }),
    assistant({ type: "tool_use", id: "1", name: "Bash", input }),
    { type: "user", message: { content: [{ type: "tool_result", tool_use_id: "1", content: "ok" }] } },
    assistant({ type: "tool_use", id: "2", name: "TodoWrite", input: { todos: [1] } }),
    {
      type: "user",
      message: { content: [{ type: "tool_result", tool_use_id: "2", content: "no\nway", is_error: true }] },
    },
    { type: "result", subtype: "success", is_error: false, result: "done", total_cost_usd: 0.1 },
  );
  assert.deepEqual(lines, [
    "  model claude-x",
    "  I run the tests.",
    "  Then I fix them.",
    "  › Bash npm test --silent",
    '  › TodoWrite {"todos":[1]}',
    "    failed: no way",
  ]);
});

test("a sub-agent stands further in", () => {
  const line = { ...assistant({ type: "text", text: "looking" }), parent_tool_use_id: "1" };
  assert.deepEqual(told(line), ["    looking"]);
});

test("an agent cannot drive the terminal", () => {
  const lines = told(
    assistant({ type: "text", text: "\u001b]0;title\u0007\u001b[2Jclear\u0008\u202e" }),
    assistant({ type: "tool_use", id: "1", name: "\u001b[31mBash", input: { command: "a\rb" } }),
  );
  assert.deepEqual(lines, ["  clear\\x08\\u202e", "  › Bash a\\x0db"]);
});

test("a tool's input is shown in one line of bounded length", () => {
  const [line = ""] = told(
    assistant({ type: "tool_use", id: "1", name: "Write", input: { content: "x".repeat(10_000) } }),
  );
  assert.ok(line.length < 200);
  assert.match(line, /…$/);
});

test("a program's text comes line by line, wherever it is cut", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom("a", "é", "\n", " ") })), (pieces) => {
      const text = pieces.join("");
      const transcript = new Transcript("command", plain);
      const lines = [...pieces.flatMap((piece) => transcript.push(Buffer.from(piece))), ...transcript.end()];
      const wanted = text.split("\n").map((line) => `  ${line}`.trimEnd());
      assert.deepEqual(lines, text.endsWith("\n") || text === "" ? wanted.slice(0, -1) : wanted);
    }),
  );
});
