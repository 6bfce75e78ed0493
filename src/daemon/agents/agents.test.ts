import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { MakimaError } from "../../core/errors.ts";
import { defaultAgent } from "../../platform/config/config.ts";
import type { AgentSettings, IterationRequest } from "./agent.ts";
import { createAgent } from "./registry.ts";

const ID = "0b0e8a3c-5d6e-4f60-9a53-0d5f5b0f5a11";

const first: IterationRequest = {
  prompt: "--help me",
  systemPrompt: "Print the gate.",
  sessionId: ID,
  resume: false,
  budgetUsdLeft: null,
  supervises: false,
  mcpConfig: null,
  keyFile: null,
};

const program: AgentSettings = { ...defaultAgent("command"), command: ["my-agent", "--fast"], args: ["--quiet"] };

describe("Claude Code", () => {
  it("is started in print mode under the given session id, with the prompt on stdin alone", () => {
    const { argv, stdin } = createAgent(defaultAgent("claude"), {}).commandLine(first);
    assert.equal(argv.slice(0, 5).join(" "), "claude -p --output-format stream-json --verbose");
    assert.deepEqual(optionsOf(argv), {
      "--output-format": "stream-json",
      "--permission-mode": "bypassPermissions",
      "--setting-sources": "user",
      "--append-system-prompt": "Print the gate.",
      "--session-id": ID,
    });
    assert.equal(stdin, "--help me");
    assert.ok(!argv.includes("--help me"));
  });

  it("goes on with the session it knows, or else with the checkout's latest", () => {
    const agent = createAgent(defaultAgent("claude"), {});
    const resumed = agent.commandLine({ ...first, resume: true }).argv;
    assert.equal(optionsOf(resumed)["--resume"], ID);
    assert.ok(!resumed.includes("--session-id"));
    const continued = agent.commandLine({ ...first, sessionId: null, resume: true }).argv;
    assert.ok(continued.includes("--continue"));
    assert.ok(!continued.includes(ID));
  });

  it("is given its model, what is left of the budget, and the configured arguments last", () => {
    const settings = { ...defaultAgent("claude"), model: "opus", args: ["--max-turns", "5"] };
    const { argv } = createAgent(settings, {}).commandLine({ ...first, budgetUsdLeft: 0.25 });
    assert.equal(optionsOf(argv)["--model"], "opus");
    assert.equal(optionsOf(argv)["--max-budget-usd"], "0.25");
    assert.deepEqual(argv.slice(-2), ["--max-turns", "5"]);
  });

  it("is not updated in mid-run, and works for root as for anybody", () => {
    const { env } = createAgent(defaultAgent("claude"), {}).commandLine(first);
    assert.deepEqual(env, { DISABLE_AUTOUPDATER: "1", ...(process.getuid?.() === 0 ? { IS_SANDBOX: "1" } : {}) });
  });

  it("lets the commands of a supervisor block for more than ten minutes, unless they are configured otherwise", () => {
    const { env } = createAgent(defaultAgent("claude"), {}).commandLine({ ...first, supervises: true });
    assert.ok(Number(env["BASH_DEFAULT_TIMEOUT_MS"]) > 10 * 60_000);
    assert.ok(Number(env["BASH_MAX_TIMEOUT_MS"]) > Number(env["BASH_DEFAULT_TIMEOUT_MS"]));
  });

  it("is told of MCP servers by a file that no other argument is taken for", () => {
    const { argv } = createAgent(defaultAgent("claude"), {}).commandLine({ ...first, mcpConfig: "/run/mcp.json" });
    const at = argv.indexOf("--mcp-config");
    assert.equal(argv[at + 1], "/run/mcp.json");
    assert.ok(argv[at + 2]?.startsWith("--"));
  });
});

describe("the state of Claude Code", () => {
  const state = (cwd: string, env: Record<string, string> = {}) =>
    createAgent(defaultAgent("claude"), {}).state(cwd, { HOME: "/home/ada", ...env });

  it("is its directory of the checkout's conversations, as it names it, and what every session has for itself", () => {
    const { readable, hidden, writable, scratch } = state("/w/a_b.c-1");
    assert.deepEqual(writable, ["/home/ada/.claude/projects/-w-a-b-c-1"]);
    assert.deepEqual([readable, hidden[0]], [["/home/ada/.claude"], "/home/ada/.claude/projects"]);
    assert.ok(scratch.includes("/home/ada/.claude/session-env"));
    assert.deepEqual(state("/w", { CLAUDE_CONFIG_DIR: "/c" }).writable, ["/c/projects/-w"]);
  });

  it("has a name of bounded length, seen in version 2.1.197", () => {
    const name = `-tmp-p3x-l-wt-${"a-b---".repeat(31)}-cl6yh9`;
    assert.deepEqual(state(`/tmp/p3x/l/wt/${"a_b.é/".repeat(40)}end`).writable, [`/home/ada/.claude/projects/${name}`]);
  });
});

describe("the key of Claude Code", () => {
  it("is asked for once, where that is configured, by a command that removes it", () => {
    const agent = createAgent({ ...defaultAgent("claude"), apiKeyHelper: true }, {});
    assert.equal(agent.keyVariable, "ANTHROPIC_API_KEY");
    const { argv, env } = agent.commandLine({ ...first, keyFile: "/it's/key" });
    assert.deepEqual(JSON.parse(optionsOf(argv)["--settings"] ?? ""), {
      apiKeyHelper: `cat '/it'\\''s/key' && rm -f '/it'\\''s/key'`,
    });
    assert.ok(Number(env["CLAUDE_CODE_API_KEY_HELPER_TTL_MS"]) > 24 * 60 * 60 * 1000);
    assert.equal(createAgent(defaultAgent("claude"), {}).keyVariable, null);
  });
});

describe("a command agent", () => {
  it("is told everything on stdin, and every session is a new process of the same command", () => {
    const agent = createAgent(program, {});
    const started = agent.commandLine(first);
    assert.deepEqual(started, {
      argv: ["my-agent", "--fast", "--quiet"],
      stdin: "--help me\n\nPrint the gate.\n",
      env: {},
    });
    assert.deepEqual(agent.commandLine({ ...first, resume: true }), started);
    assert.equal(agent.resumes, false);
  });

  it("prints text", () => {
    const stream = createAgent(program, {}).createStream();
    assert.deepEqual(stream.push(Buffer.from("hello")), [{ type: "text", text: "hello", main: true }]);
  });
});

describe("preflight", () => {
  it("finds the command on the given PATH, or by absolute path", async (t) => {
    const directory = await mkdtemp(join(tmpdir(), "makima-agents-"));
    t.after(() => rm(directory, { recursive: true }));
    const file = join(directory, "my-agent");
    await writeFile(file, "#!/bin/sh\n");
    const env = { PATH: `relative::${directory}` };
    const found = (command: string): Promise<void> => createAgent({ ...program, command: [command] }, env).preflight();

    await assert.rejects(found("my-agent"), missing("is not on PATH"));
    await chmod(file, 0o755);
    await found("my-agent");
    await found(file);

    await mkdir(join(directory, "folder"));
    await assert.rejects(found("folder"), missing("is not on PATH"));
    await assert.rejects(found(join(directory, "absent")), missing("is not an executable file"));
    await assert.rejects(found("./my-agent"), missing("is a relative path"));
  });

  it("names the command that is missing", async () => {
    await assert.rejects(createAgent(defaultAgent("claude"), { PATH: "" }).preflight(), missing('"claude"'));
    await assert.rejects(createAgent(defaultAgent("command"), {}).preflight(), missing("has no command"));
  });
});

function missing(words: string): (error: unknown) => boolean {
  return (error) => error instanceof MakimaError && error.code === "agent_missing" && error.message.includes(words);
}

/** The arguments that are followed by a value, by name. */
function optionsOf(argv: string[]): Record<string, string> {
  const pairs = argv.flatMap((argument, index) => {
    const value = argv[index + 1];
    return argument.startsWith("--") && value !== undefined && !value.startsWith("--") ? [[argument, value]] : [];
  });
  return Object.fromEntries(pairs) as Record<string, string>;
}
