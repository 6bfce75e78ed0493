import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { bash, hang, pause, refuse, say, think, usage } from "./script.ts";
import { startScriptedModel } from "./server.ts";

const TOOLS = [{ name: "Bash" }];
const PROMPT = { role: "user", content: "go" };
const TOOL_RESULT = { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "ok" }] };

it("answers with the steps up to a tool, and with those behind it when the result comes", async () => {
  await using model = await startScriptedModel({
    turns: [[usage(7, 8), say("a"), bash("ls"), think("b"), say("c")]],
  });
  const first = await post(model.url, [PROMPT]);
  assert.equal(first.body.stop_reason, "tool_use");
  assert.deepEqual(
    first.body.content?.map(({ type }) => type),
    ["text", "tool_use"],
  );
  assert.equal(first.body.usage?.output_tokens, 8);
  const second = await post(model.url, [PROMPT, TOOL_RESULT]);
  assert.equal(second.body.stop_reason, "end_turn");
  assert.deepEqual(
    second.body.content?.map(({ type }) => type),
    ["thinking", "text"],
  );
});

it("begins the next iteration with every prompt, in each conversation on its own, and repeats the last", async () => {
  await using model = await startScriptedModel({ turns: [[say("one")], [say("two")]] });
  const texts = [];
  for (const session of ["a", "b"]) {
    for (let count = 1; count <= 3; count += 1) {
      const { body } = await post(
        model.url,
        Array.from({ length: count }, () => PROMPT),
        { session },
      );
      texts.push(body.content?.[0]?.text);
    }
  }
  assert.deepEqual(texts, ["one", "two", "two", "one", "two", "two"]);
  assert.deepEqual(
    model.requests.map(({ iteration }) => iteration),
    [0, 1, 2, 0, 1, 2],
  );
});

it("answers a request that is sent again as it did before", async () => {
  await using model = await startScriptedModel(({ prompt }) => [say(`${prompt}!`), bash("ls"), say("done")]);
  const contents = await Promise.all([post(model.url, [PROMPT]), post(model.url, [PROMPT])]);
  assert.deepEqual(
    contents.map(({ body }) => body.content?.[0]?.text),
    ["go!", "go!"],
  );
  assert.equal((await post(model.url, [PROMPT, TOOL_RESULT])).body.content?.[0]?.text, "done");
});

it("refuses as often as the script says", async () => {
  await using model = await startScriptedModel({ turns: [[refuse(529, { times: 2 }), say("now")]] });
  const statuses = [];
  for (let count = 0; count < 3; count += 1) statuses.push((await post(model.url, [PROMPT])).status);
  assert.deepEqual(statuses, [529, 529, 200]);
});

it("stays harmless to requests beside the main agent's", async () => {
  await using model = await startScriptedModel({ turns: [[say("main")]] });
  assert.equal((await post(model.url, [PROMPT], { tools: [] })).body.content?.[0]?.text, "ok");
  assert.equal((await post(model.url, [PROMPT], { agent: "sub" })).body.content?.[0]?.text, "go");
  assert.equal((await post(model.url, [PROMPT])).body.content?.[0]?.text, "main");
  assert.deepEqual(
    model.requests.map(({ role }) => role),
    ["side", "subagent", "main"],
  );
  assert.equal((await fetch(model.url, { method: "HEAD" })).status, 200);
  const count = await fetch(`${model.url}/v1/messages/count_tokens`, { method: "POST", body: "{}" });
  assert.deepEqual(await count.json(), { input_tokens: 100 });
});

it("streams a message, silent where the script says so", async () => {
  await using model = await startScriptedModel({ turns: [[say("before"), pause(30), say("after")]] });
  const started = performance.now();
  const response = await fetch(`${model.url}/v1/messages`, {
    method: "POST",
    body: JSON.stringify({ model: "m", messages: [PROMPT], tools: TOOLS, stream: true }),
  });
  const events = (await response.text()).match(/(?<=^event: ).*/gm);
  assert.ok(performance.now() - started >= 29);
  const block = ["content_block_start", "content_block_delta", "content_block_stop"];
  assert.deepEqual(events, ["message_start", "ping", ...block, ...block, "message_delta", "message_stop"]);
});

it("closes while a request hangs", async () => {
  const model = await startScriptedModel({ turns: [[hang()]] });
  const hanging = assert.rejects(post(model.url, [PROMPT]));
  while (model.requests.length === 0) await new Promise(setImmediate);
  await model[Symbol.asyncDispose]();
  await hanging;
});

it("runs on its own from a JSON script", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "makima-model-"));
  t.after(() => rm(directory, { recursive: true }));
  const script = join(directory, "script.json");
  await writeFile(script, JSON.stringify({ turns: [[say("from a file")]] }));
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const child = spawn(process.execPath, [main, script], { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(child, "exit");
  try {
    const [url] = (await once(createInterface(child.stdout), "line")) as [string];
    assert.equal((await post(url, [PROMPT])).body.content?.[0]?.text, "from a file");
  } finally {
    child.kill("SIGTERM");
  }
  assert.deepEqual(await exit, [0, null]);
});

interface Message {
  content?: { type: string; text?: string }[];
  stop_reason?: string;
  usage?: { output_tokens: number };
}

async function post(
  url: string,
  messages: object[],
  options: { session?: string; tools?: object[]; agent?: string } = {},
): Promise<{ status: number; body: Message }> {
  const { session = "s", tools = TOOLS, agent } = options;
  const response = await fetch(`${url}/v1/messages?beta=true`, {
    method: "POST",
    headers: {
      "x-claude-code-session-id": session,
      ...(agent === undefined ? {} : { "x-claude-code-agent-id": agent }),
    },
    body: JSON.stringify({ model: "m", messages, tools }),
  });
  return { status: response.status, body: (await response.json()) as Message };
}
