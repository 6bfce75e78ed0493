import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { it } from "node:test";
import type { AgentEvent } from "../../src/core/agents/events.ts";
import { createAgent } from "../../src/daemon/agents/registry.ts";
import { defaultAgent } from "../../src/platform/config/config.ts";
import { claudeCommand, claudeEnvironment } from "../support/claude.ts";
import type { ClaudeLogin } from "../support/claude.ts";
import { bash, delegate, edit, hang, read, refuse, say, think, usageLimit, write } from "./script.ts";
import type { Script } from "./script.ts";
import { startScriptedModel } from "./server.ts";
import type { ScriptedModel } from "./server.ts";

// The real Claude Code, spoken to through makima's own adapter.

it("works in the checkout, and a later process goes on with the conversation", async () => {
  await using desk = await makeDesk({
    turns: [
      [
        think("Let me see."),
        say("Writing."),
        write("src/new.txt", "grüße\n"),
        read("old.txt"),
        edit("old.txt", "old", "new"),
        bash("cat src/new.txt; exit 3"),
        delegate("ready: true, says the sub-agent"),
        say("finished"),
      ],
      [say("goes on")],
    ],
  });
  await writeFile(join(desk.checkout, "old.txt"), "old\n");
  const sessionId = randomUUID();
  const first = await desk.iterate({ prompt: "--first prompt", sessionId });
  assert.equal(first.code, 0);
  assert.equal(await readFile(join(desk.checkout, "src/new.txt"), "utf8"), "grüße\n");
  assert.equal(await readFile(join(desk.checkout, "old.txt"), "utf8"), "new\n");
  assert.equal(only(first.events, "init").sessionId, sessionId);
  assert.equal(only(first.events, "thinking").text, "Let me see.");
  const spoken = first.events.flatMap((event) => (event.type === "text" && event.main ? [event.text] : []));
  assert.deepEqual(spoken, ["Writing.", "finished"]);
  const tools = first.events.flatMap((event) => (event.type === "tool-use" ? [event.name] : []));
  assert.deepEqual(tools, ["Write", "Read", "Edit", "Bash", "Agent"]);
  const failed = first.events.flatMap((event) => (event.type === "tool-result" && event.isError ? [event.text] : []));
  assert.deepEqual(failed, ["Exit code 3\ngrüße"]);
  const result = only(first.events, "result");
  assert.equal(result.isError, false);
  assert.equal(result.text, "finished");
  // 100 and 20 tokens for each of the six responses to the main agent.
  assert.equal(result.usage.inputTokens, 600);
  assert.equal(result.usage.outputTokens, 120);
  assert.ok(result.costUsd > 0);

  const second = await desk.iterate({ prompt: "second prompt", sessionId, resume: true });
  assert.equal(only(second.events, "result").sessionId, sessionId);
  assert.equal(only(second.events, "text").text, "goes on");
  const prompts = desk.model.requests.filter(({ role, prompt }) => role === "main" && prompt !== "");
  assert.deepEqual(
    prompts.map(({ iteration, prompt }) => [iteration, prompt]),
    [
      [0, "--first prompt"],
      [1, "second prompt"],
    ],
  );
  for (const { body } of prompts) assert.match(JSON.stringify(body["system"]), /Print the gate\./);
});

it("ends at once when the subscription is spent, says until when, and can be resumed", async () => {
  const resetsAt = Math.ceil(Date.now() / 1000) * 1000 + 7_200_000;
  await using desk = await makeDesk({ turns: [[usageLimit(resetsAt)], [say("back")]] }, "subscription");
  const sessionId = randomUUID();
  const { code, events } = await desk.iterate({ prompt: "go", sessionId });
  assert.equal(code, 1);
  assert.equal(only(events, "usage-limit").until, resetsAt);
  assert.equal(only(events, "error").code, "rate_limit");
  const result = only(events, "result");
  assert.ok(result.isError);
  assert.equal(result.apiStatus, 429);
  assert.match(result.text, /^You've hit your session limit · resets /);
  const resumed = await desk.iterate({ prompt: "go", sessionId, resume: true });
  assert.equal(only(resumed.events, "text").text, "back");
});

it("with an API key tells of a usage limit in its result alone", async () => {
  await using desk = await makeDesk({ turns: [[usageLimit(Date.now())]] });
  const { code, events } = await desk.iterate({ prompt: "go" });
  assert.equal(code, 1);
  assert.ok(!events.some(({ type }) => type === "usage-limit"));
  assert.equal(only(events, "result").apiStatus, 429);
  assert.match(only(events, "result").text, /^API Error: Request rejected \(429\) · This request would exceed/);
});

it("retries a failing model and then says what is wrong", async () => {
  await using desk = await makeDesk({ turns: [[refuse(401, { message: "invalid x-api-key" })]] });
  const { code, events } = await desk.iterate({ prompt: "go", env: { CLAUDE_CODE_MAX_RETRIES: "1" } });
  assert.equal(code, 1);
  const { attempt, maxAttempts, status, reason } = only(events, "retry");
  assert.deepEqual([attempt, maxAttempts, status, reason], [1, 1, 401, "authentication_failed"]);
  assert.equal(only(events, "error").code, "authentication_failed");
  assert.equal(only(events, "result").text, "Invalid API key · Fix external API key");
});

it("without a login says so and asks nobody", async () => {
  await using desk = await makeDesk({ turns: [] }, "none");
  const { code, events } = await desk.iterate({ prompt: "go" });
  assert.equal(code, 1);
  assert.equal(only(events, "error").code, "authentication_failed");
  assert.equal(only(events, "result").text, "Not logged in · Please run /login");
  assert.deepEqual(desk.model.requests, []);
});

it("does not find a session that its home does not hold", async () => {
  await using desk = await makeDesk({ turns: [] });
  const sessionId = randomUUID();
  const { code, events, stderr } = await desk.iterate({ prompt: "go", sessionId, resume: true });
  assert.equal(code, 1);
  const lost = `No conversation found with session ID: ${sessionId}`;
  assert.equal(stderr.trim(), lost);
  const result = only(events, "result");
  assert.deepEqual([result.isError, result.subtype, result.text], [true, "error_during_execution", lost]);
});

it("keeps the conversation when it is killed in the middle of an answer", async () => {
  await using desk = await makeDesk({ turns: [[bash("echo begun > begun"), hang()], [say("alive")]] });
  const sessionId = randomUUID();
  const killed = await desk.iterate({ prompt: "the task at hand", sessionId, killAtRequest: 2 });
  assert.equal(killed.code, null);
  assert.ok(!killed.events.some(({ type }) => type === "result"));
  const resumed = await desk.iterate({ prompt: "again", sessionId, resume: true });
  assert.equal(only(resumed.events, "text").text, "alive");
  const last = desk.model.requests.at(-1);
  assert.equal(last?.iteration, 1);
  // What it did in the last moments before may be lost; that it was asked is not.
  assert.match(JSON.stringify(last.body.messages), /the task at hand/);
});

interface Iteration {
  prompt: string;
  sessionId?: string;
  resume?: boolean;
  env?: Record<string, string>;
  /** Kill the process when the model has been asked so often. */
  killAtRequest?: number;
}

interface Outcome {
  /** null: killed. */
  code: number | null;
  events: AgentEvent[];
  stderr: string;
}

/** A scripted model, an empty checkout, and a home that starts without any session. */
interface Desk extends AsyncDisposable {
  model: ScriptedModel;
  checkout: string;
  iterate(iteration: Iteration): Promise<Outcome>;
}

async function makeDesk(script: Script, login: ClaudeLogin = "api-key"): Promise<Desk> {
  const model = await startScriptedModel(script);
  const home = await mkdtemp(join(tmpdir(), "makima-home-"));
  const checkout = await mkdtemp(join(tmpdir(), "makima-checkout-"));
  const environment = {
    PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
    ...claudeEnvironment(home, model.url, login),
  };
  return {
    model,
    checkout,
    iterate: (iteration) => iterate(iteration, { model, checkout, environment }),
    [Symbol.asyncDispose]: async () => {
      await model[Symbol.asyncDispose]();
      for (const directory of [home, checkout]) await rm(directory, { recursive: true, maxRetries: 5 });
    },
  };
}

async function iterate(
  iteration: Iteration,
  desk: { model: ScriptedModel; checkout: string; environment: Record<string, string> },
): Promise<Outcome> {
  const agent = createAgent({ ...defaultAgent("claude"), command: [claudeCommand] }, desk.environment);
  await agent.preflight();
  const { prompt, sessionId = randomUUID(), resume = false } = iteration;
  const systemPrompt = "Print the gate.";
  const told = {
    prompt,
    systemPrompt,
    sessionId,
    resume,
    budgetUsdLeft: 5,
    supervises: false,
    mcpConfig: null,
    keyFile: null,
  };
  const { argv, stdin, env } = agent.commandLine(told);
  const [program = "", ...args] = argv;
  const child = spawn(program, args, { cwd: desk.checkout, env: { ...env, ...desk.environment, ...iteration.env } });
  const exit = new Promise<number | null>((resolve) => child.once("close", resolve));
  child.stdin.on("error", () => undefined);
  child.stdin.end(stdin);
  const stream = agent.createStream();
  const events: AgentEvent[] = [];
  child.stdout.on("data", (bytes: Uint8Array) => events.push(...stream.push(bytes)));
  const stderr = text(child.stderr);
  if (iteration.killAtRequest !== undefined) {
    while (desk.model.requests.length < iteration.killAtRequest && child.exitCode === null) await aMoment();
    child.kill("SIGKILL");
  }
  const code = await exit;
  events.push(...stream.end());
  return { code, events, stderr: await stderr };
}

function aMoment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

/** The one event of a type. */
function only<T extends AgentEvent["type"]>(events: AgentEvent[], type: T): Extract<AgentEvent, { type: T }> {
  const found = events.filter((event): event is Extract<AgentEvent, { type: T }> => event.type === type);
  const [first] = found;
  assert.ok(first !== undefined && found.length === 1, `${found.length} events of type ${type}`);
  return first;
}
