import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { carryOn } from "../../src/daemon/runner/run.ts";
import { defaultConfig } from "../../src/platform/config/config.ts";
import { createLogger } from "../../src/platform/log.ts";
import { learnSecrets } from "../../src/platform/redact/secrets.ts";
import { contract } from "../../src/server/testing/data.ts";
import { call, launch, temporaryHome, until } from "../../src/server/testing/harness.ts";
import { Receiver } from "../../src/server/testing/receiver.ts";
import { eventsOf, openBench, printGate } from "../support/run.ts";

/** One that this process is told, one that is in the file of a webhook, and one that shows by its form what it is. */
const NAMED = "hunter2-of-the-configuration";
const OF_WEBHOOK = "hunter2-of-the-webhook";
const SHAPED = `sk-ant-api03-${"Ab1".repeat(20)}`;

const LEAK = /hunter2|sk-ant|aHVudGVyM|h1bnRlcj|odW50ZXIy/;

function inBase64(secret: string): string {
  return Buffer.from(`user:${secret}`).toString("base64");
}

test("what an agent says of a secret is in no reason, while its own output stays as it was, byte for byte", async () => {
  learnSecrets([NAMED]);
  const words = `blocked: ${NAMED} and ${SHAPED} and ${inBase64(NAMED)}`;
  const agent = `echo "${words}"; echo "fatal ${SHAPED}" >&2; ${printGate(false, words)}; exit 3`;
  await using bench = await openBench({ agent, spec: { limits: { maxIterations: 1 } } });
  {
    await using hold = await bench.takeUp();
    await carryOn(hold.context);
  }
  assert.match(await readFile(join(bench.path, "iterations/0001/out"), "utf8"), new RegExp(`^blocked: ${NAMED} and `));
  const journal = await readFile(join(bench.path, "events"), "utf8");
  assert.doesNotMatch(journal, LEAK);
  const [gate] = eventsOf(await bench.events(), "gate");
  assert.match(gate?.gate?.progress ?? "", /^blocked: \*\*\* and \*\*\* and .{0,8}\*\*\*.{0,2}$/);
});

test("what people are told elsewhere holds no secret: notifications, webhooks, the log", async () => {
  await using home = await temporaryHome();
  await using receiver = await Receiver.start();
  const secretFile = join(home.path, "webhook.secret");
  await writeFile(secretFile, OF_WEBHOOK, { mode: 0o600 });
  const url = `http://127.0.0.1:${receiver.port}/hook`;
  const webhooks = [{ url, secretFile, allowPrivate: true }];
  const lines: string[] = [];
  const log = createLogger({ level: "trace", format: "json", stream: { write: (line) => lines.push(line) } });
  await using server = await launch(home.path, { notifications: { ...defaultConfig().notifications, webhooks }, log });
  const { task } = await call(server, "createContract", { ...contract, name: `Use ${SHAPED}` });
  // The words are cut in the middle of the last one, of which too little would be left to know it by.
  const text = `Is ${SHAPED} right, or ${inBase64(OF_WEBHOOK)}? ${"x".repeat(1_600)} `.padEnd(1_980, "y");
  const question = { id: task.id, text: `${text} ${SHAPED}`, choices: [`use ${SHAPED}`] };
  await call(server, "askQuestion", question);
  await until(() => receiver.received.length > 0);
  const { notifications } = await call(server, "listNotifications", {});
  const told = notifications.find(({ kind }) => kind === "question-asked");
  assert.match(told?.body ?? "", /^Is \*\*\* right, or .{0,8}\*\*\*/);
  log.warn({ err: new Error(`cannot reach https://me:${NAMED}@db.example`) }, `tried ${SHAPED} and ${OF_WEBHOOK}`);
  const sent = receiver.received.map(({ body }) => body.toString()).join("");
  for (const seen of [JSON.stringify(notifications), sent, lines.join("")]) assert.doesNotMatch(seen, LEAK);
  assert.ok(!lines.join("").includes(server.userKey) && lines.length > 0);
});
