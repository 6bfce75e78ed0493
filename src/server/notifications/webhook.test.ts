import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../platform/clock.ts";
import { temporaryHome } from "../testing/basics.ts";
import { Receiver } from "../testing/receiver.ts";
import type { Attempt, Taken } from "./outbox.ts";
import { webhookSender } from "./webhook.ts";

const taken: Taken = {
  id: "delivery-1",
  attempts: 1,
  createdAt: 1,
  notification: {
    id: "notification-1",
    kind: "task-failed",
    status: "unread",
    title: "Failed: Übung ✓",
    body: "why",
    contractId: "c",
    taskId: "t",
    createdAt: 1,
  },
};

const never = new AbortController().signal;

test("what is posted is the notification, signed with time and secret", async () => {
  await using place = await setUp();
  const { url, receiver, secretFile } = place;
  const before = Math.floor(Date.now() / 1000);
  const send = webhookSender({ url, secretFile, allowPrivate: true }, systemClock);
  assert.deepEqual(await send(taken, never), { result: "delivered", responseStatus: 200, error: null });

  const [{ headers, body, path } = { headers: {}, body: Buffer.alloc(0), path: "" }] = receiver.received;
  assert.equal(path, "/hook?key=1");
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers["x-makima-delivery"], "delivery-1");
  const { notification } = taken;
  assert.deepEqual(JSON.parse(body.toString()), { type: "task-failed", deliveryId: "delivery-1", notification });
  const timestamp = String(headers["x-makima-timestamp"]);
  assert.ok(Number(timestamp) >= before && Number(timestamp) <= Date.now() / 1000);
  const [version, signature] = String(headers["x-makima-signature"]).split("=");
  assert.equal(version, "v1");
  const signed = Buffer.concat([Buffer.from(`${timestamp}.`), body]);
  assert.ok(await verify("s3cret", Buffer.from(String(signature), "hex"), signed));
  assert.ok(!(await verify("other", Buffer.from(String(signature), "hex"), signed)));
});

test("a secret file that is missing, empty, too open or no file is told, and nothing is posted", async () => {
  await using place = await setUp();
  const { url, receiver, secretFile, home } = place;
  const send = webhookSender({ url, secretFile, allowPrivate: true }, systemClock);
  await chmod(secretFile, 0o640);
  assert.match(String((await send(taken, never)).error), /secret can be read by other users/);
  await chmod(secretFile, 0o600);
  await writeFile(secretFile, " \n");
  assert.match(String((await send(taken, never)).error), /is empty/);
  await writeFile(secretFile, "x".repeat(5000));
  assert.match(String((await send(taken, never)).error), /larger than 4096 bytes/);
  const at = async (name: string) =>
    webhookSender({ url, secretFile: join(home, name), allowPrivate: true }, systemClock)(taken, never);
  assert.match(String((await at("missing")).error), /does not exist/);
  await mkdir(join(home, "directory"));
  assert.match(String((await at("directory")).error), /is not a file/);
  assert.equal((await at("missing")).result, "retry");
  assert.deepEqual(receiver.received, []);
});

test("an address that is not public is not connected to unless it is allowed", async () => {
  await using place = await setUp();
  const { receiver, secretFile } = place;
  const hosts = ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0", "[::1]", "[::ffff:127.0.0.1]"];
  for (const host of hosts) {
    const url = `http://${host}:${receiver.port}/hook`;
    const attempt = await webhookSender({ url, secretFile }, systemClock)(taken, never);
    assert.deepEqual([attempt.result, attempt.responseStatus], ["retry", null], host);
    assert.match(String(attempt.error), /is not a public address/, host);
  }
  assert.deepEqual(receiver.received, []);
  const url = `http://localhost:${receiver.port}/hook`;
  assert.equal(
    (await webhookSender({ url, secretFile, allowPrivate: true }, systemClock)(taken, never)).result,
    "delivered",
  );
});

test("a receiver that is not there, or speaks something else, is told of", async () => {
  await using place = await setUp();
  const { receiver, secretFile, url } = place;
  const sent = (to: string): Promise<Attempt> =>
    webhookSender({ url: to, secretFile, allowPrivate: true }, systemClock)(taken, never);
  receiver.answer = (response) => response.socket?.destroy();
  assert.match(String((await sent(url)).error), /socket hang up|ECONNRESET/);
  receiver.answer = (response) => response.socket?.end("nonsense\r\n\r\n");
  assert.match(String((await sent(url)).error), /Parse Error/);
  receiver.answer = (response) =>
    response.socket?.write("HTTP/1.1 101 No\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
  assert.match(String((await sent(url)).error), /without an answer/);
  assert.match(String((await sent(url.replace("http:", "https:"))).error), /\w/);
  assert.match(String((await sent("http://127.0.0.1:1/")).error), /ECONNREFUSED/);
  assert.match(String((await sent("http://no-such-host.invalid/")).error), /ENOTFOUND|EAI_AGAIN/);
});

async function setUp() {
  await using resources = new AsyncDisposableStack();
  const { path: home } = resources.use(await temporaryHome());
  const receiver = resources.use(await Receiver.start());
  const secretFile = join(home, "secret");
  await writeFile(secretFile, "  s3cret\n", { mode: 0o600 });
  const owned = resources.move();
  const url = `http://127.0.0.1:${receiver.port}/hook?key=1`;
  return { home, receiver, secretFile, url, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** As a receiver would do it, by other means than the sender. */
async function verify(secret: string, signature: Uint8Array<ArrayBuffer>, signed: Uint8Array<ArrayBuffer>) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(secret), algorithm, false, ["verify"]);
  return crypto.subtle.verify("HMAC", key, signature, signed);
}
