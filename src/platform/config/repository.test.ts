import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRepositoryConfig } from "./repository.ts";

test("checks are commands, or tables with a name and a time limit", () => {
  const text = `agent = "mine"\nchecks = ["npm test", { name = "lint", command = "npm run lint", timeout = "2m" }]\n`;
  assert.deepEqual(parseRepositoryConfig(text, ".makima.toml"), {
    agent: "mine",
    checks: [
      { name: "npm test", command: "npm test", timeoutMs: null },
      { name: "lint", command: "npm run lint", timeoutMs: 120_000 },
    ],
  });
});

test("an empty file asks for nothing", () => {
  assert.deepEqual(parseRepositoryConfig("", ".makima.toml"), { agent: null, checks: [] });
});

test("a repository has no say in the sandbox, nor in anything else that is the person's", () => {
  for (const table of ["process.bubblewrap", "process", "bubblewrap", "worktrees", "daemon", "agents.claude"]) {
    assert.throws(() => parseRepositoryConfig(`[${table}]\nenabled = false\n`, ".makima.toml"), {
      code: "config_invalid",
      message: new RegExp(`^\\.makima\\.toml:1: ${table.split(".")[0]}: unknown key`),
    });
  }
});

test("every problem is named with file and line", () => {
  const text = `
agents = "x"
[[checks]]
command = "true"
timeout = "never"
[[checks]]
comand = "true"
`;
  assert.throws(() => parseRepositoryConfig(text, ".makima.toml"), {
    code: "config_invalid",
    message: [
      ".makima.toml:2: agents: unknown key, did you mean agent?",
      '.makima.toml:5: checks.0.timeout: expected a duration such as "90s", "15m" or "1h30m", not zero',
      ".makima.toml:6: checks.1.command: expected a command in quotes",
      ".makima.toml:7: checks.1.comand: unknown key, did you mean command?",
    ].join("\n"),
  });
});
