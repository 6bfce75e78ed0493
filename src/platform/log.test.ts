import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogFormat } from "./log-levels.ts";
import { createLogger } from "./log.ts";

function logTo(format: LogFormat) {
  const lines: string[] = [];
  return { lines, log: createLogger({ level: "info", format, stream: { write: (line) => lines.push(line) } }) };
}

test("json: one document a line, with an ISO time", () => {
  const { lines, log } = logTo("json");
  log.info({ port: 7420 }, "listening");
  const { time, ...rest } = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
  assert.deepEqual(rest, { level: 30, port: 7420, msg: "listening" });
  assert.match(String(time), /^\d{4}-\d\d-\d\dT/);
});

test("pretty: time, level, message, fields", () => {
  const { lines, log } = logTo("pretty");
  log.warn({ port: 7420, url: "http://127.0.0.1", note: "two words" }, "slow");
  assert.match(lines.join(""), /^\S+Z WARN {2}slow port=7420 url=http:\/\/127\.0\.0\.1 note="two words"\n$/);
});

test("pretty: an error shows its stack on lines of its own", () => {
  const { lines, log } = logTo("pretty");
  log.error({ err: new Error("boom") }, "failed");
  assert.match(lines.join(""), /ERROR failed\n {4}Error: boom\n {4} +at /);
});

test("pretty: what an agent wrote cannot drive the terminal or forge a line", () => {
  const { lines, log } = logTo("pretty");
  log.info({ title: "\u001b]0;owned\u0007", c1: "\u009b2J" }, "a\nb\u001b[2J");
  assert.match(lines.join(""), /a\\x0ab\\x1b\[2J/);
  assert.doesNotMatch(lines.join("").slice(0, -1), /\p{Cc}/u);
});

test("below the level nothing is written", () => {
  const { lines, log } = logTo("json");
  log.debug("detail");
  assert.deepEqual(lines, []);
});
