import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import type { RunningServer } from "../server.ts";
import { askRoute, bearer } from "../testing/ask.ts";
import { contract } from "../testing/data.ts";
import { call, launch, temporaryHome, temporaryServer, until } from "../testing/harness.ts";
import { retainedBytes } from "../testing/memory.ts";
import { OUT, playRun } from "../testing/play.ts";

const PIECE = 250_000;

interface Following {
  response: IncomingMessage;
  /** What has arrived so far. */
  received(): Buffer;
  /** "whole" when the response has come to its end, "cut" when only the connection has. */
  ended: Promise<"whole" | "cut">;
}

/** A client that reads a response as it comes. */
async function follow(
  { url, userKey }: { url: string; userKey: string },
  path: string,
  query: Record<string, string> = {},
): Promise<Following> {
  const target = new URL(path, url);
  target.search = String(new URLSearchParams({ stream: OUT, follow: "true", ...query }));
  const sent = request(target, { headers: bearer(userKey) }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  response.on("data", (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<"whole" | "cut">((resolve) => {
    response.on("error", () => undefined);
    response.on("close", () => resolve(response.complete ? "whole" : "cut"));
  });
  return { response, ended, received: () => Buffer.concat(chunks) };
}

test("a response follows a stream from before it began until it is complete", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { daemon, spec, say, finish } = await playRun(server);
  await using _ = daemon;
  const path = `/api/v1/runs/${spec.runId.slice(-12)}/output`;
  const early = await follow(server, path);
  assert.equal(early.response.statusCode, 200);
  assert.equal(early.response.headers["content-type"], "application/octet-stream");
  await say(OUT, "one ");
  await until(() => String(early.received()) === "one ");
  const late = await follow(server, path, { from: "2" });
  await say(OUT, "two");
  await finish();
  assert.equal(await early.ended, "whole");
  assert.equal(await late.ended, "whole");
  assert.equal(String(early.received()), "one two");
  assert.equal(String(late.received()), "e two");
});

test("without follow it ends at the present end; a stream that does not exist is empty", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { daemon, spec, say } = await playRun(server);
  await using _ = daemon;
  await say(OUT, "so far");
  const read = (fields: object) => askRoute(server, "readStream", server.userKey, { id: spec.runId, ...fields });
  assert.equal((await read({ stream: OUT })).text, "so far");
  assert.equal((await read({ stream: OUT, from: 3 })).text, "far");
  assert.equal((await read({ stream: OUT, from: 6 })).text, "");
  assert.equal((await read({ stream: "iterations/0002/out" })).text, "");
  assert.equal((await read({})).text, "");
});

test("what cannot be read is answered with an error of the table", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { daemon, spec, say } = await playRun(server);
  await using _ = daemon;
  await call(server, "createContract", contract);
  const foreign = await daemon.spawned(2);
  await say(OUT, "so far");
  const own = { id: spec.runId, stream: OUT };
  const refused = async (fields: { id: string; [field: string]: unknown }, key = server.userKey) => {
    const { status, error } = await askRoute(server, "readStream", key, fields);
    return `${status} ${error?.code}`;
  };
  assert.equal(await refused({ ...own, from: 7 }), "400 invalid_request");
  for (const from of [-1, 0.5, "1e400", 2 ** 53, "x"])
    assert.equal(await refused({ ...own, from }), "400 invalid_request");
  assert.equal(await refused({ ...own, follow: "maybe" }), "400 invalid_request");
  assert.equal(await refused({ ...own, to: 9 }), "400 invalid_request");
  assert.equal(await refused({ id: spec.runId, stream: "spec.json" }), "404 not_found");
  assert.equal(await refused({ id: "ffffffff", stream: OUT }), "404 not_found");
  assert.equal(await refused({ id: foreign.spec.runId, stream: OUT }, spec.taskToken), "403 forbidden");
  assert.equal(await refused(own, server.daemonKey), "403 forbidden");
});

test("a client that does not read costs no memory, gets every byte when it does, and may just leave", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { daemon, spec, say, finish } = await playRun(server);
  await using _ = daemon;
  const path = `/api/v1/runs/${spec.runId}/output`;
  const transcript = randomBytes(100 * PIECE);
  const slow = await follow(server, path);
  slow.response.pause();
  const before = retainedBytes();
  for (let offset = 0; offset < transcript.length; offset += PIECE) {
    await say(OUT, transcript.subarray(offset, offset + PIECE));
  }
  await until(() => retainedBytes() - before < transcript.length / 3);
  await finish();
  const gone = await follow(server, path);
  gone.response.pause();
  slow.response.resume();
  assert.equal(await slow.ended, "whole");
  assert.ok(slow.received().equals(transcript));
  // Nothing else keeps the server awake any more.
  await until(() => liveTasks(server).then((live) => live === 0));
  assert.equal(server.idle().since, null);
  gone.response.destroy();
  await until(() => server.idle().since !== null);
});

test("a response ends with its key and with its server, and is then seen not to be whole", async () => {
  await using home = await temporaryHome();
  await using server = await launch(home.path);
  const { daemon, spec } = await playRun(server);
  await using _ = daemon;
  const path = `/api/v1/runs/${spec.runId}/output`;
  const { key, token } = await call(server, "createKey", { kind: "user", name: "laptop" });
  const revoked = await follow({ url: server.url, userKey: token }, path);
  await call(server, "revokeKey", { id: key.id });
  assert.equal(await revoked.ended, "cut");
  const open = await follow(server, path);
  await closeInTime(server);
  assert.equal(await open.ended, "cut");
});

async function liveTasks(server: RunningServer): Promise<number> {
  return (await call(server, "serverInfo", {})).liveTasks;
}

async function closeInTime(server: RunningServer): Promise<void> {
  let closed = false;
  void server.close().then(() => (closed = true));
  await until(() => closed);
}
