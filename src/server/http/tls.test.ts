import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { WebSocket } from "ws";
import { SUBSCRIBE_PATH } from "../../protocol/routes.ts";
import { ask, bearer } from "../testing/ask.ts";
import { CERTIFICATE, CERTIFICATE_KEY } from "../testing/certificate.ts";
import { launch, temporaryHome } from "../testing/harness.ts";

/** Where a certificate and its key lie, as the configuration names them. */
async function tlsFiles(home: string): Promise<{ tlsCert: string; tlsKey: string }> {
  const files = { tlsCert: join(home, "cert.pem"), tlsKey: join(home, "key.pem") };
  await writeFile(files.tlsCert, CERTIFICATE);
  await writeFile(files.tlsKey, CERTIFICATE_KEY);
  return files;
}

test("with a certificate it speaks HTTPS, also for WebSockets, and may listen on any address", async () => {
  await using home = await temporaryHome();
  const files = await tlsFiles(home.path);
  await using server = await launch(home.path, { host: "0.0.0.0", ...files });
  const url = `https://127.0.0.1:${server.port}`;
  const headers = bearer(server.userKey);
  const { status } = await ask(`${url}/readyz`, { headers: { ...headers, origin: url }, ca: CERTIFICATE });
  assert.equal(status, 200);
  const plain = { headers: { ...headers, origin: url.replace("https", "http") }, ca: CERTIFICATE };
  assert.equal((await ask(`${url}/readyz`, plain)).status, 403);
  const socket = new WebSocket(`${url.replace("https", "wss")}${SUBSCRIBE_PATH}`, { headers, ca: CERTIFICATE });
  await once(socket, "open");
  socket.send(JSON.stringify({ type: "subscribe", id: 1, topic: "events", from: 0, follow: false }));
  const [answer] = (await once(socket, "message")) as [Buffer];
  assert.deepEqual(JSON.parse(String(answer)), { type: "end", id: 1, cursor: 0 });
  socket.terminate();
});

test("its own address is the one that its certificate is for", async () => {
  await using home = await temporaryHome();
  const files = await tlsFiles(home.path);
  await using named = await launch(home.path, { ...files, publicUrl: "https://makima.example" });
  assert.equal(named.url, "https://makima.example");
});

test("an address that keys would travel to in clear text, and half a configuration, are refused", async () => {
  await using home = await temporaryHome();
  const files = await tlsFiles(home.path);
  const broken = join(home.path, "broken.pem");
  await writeFile(broken, "no key");
  const cases = [
    { host: "0.0.0.0" },
    { host: "192.0.2.1" },
    { host: "::" },
    { host: "0.0.0.0", tlsCert: files.tlsCert },
    { tlsKey: files.tlsKey },
    { host: "0.0.0.0", behindProxy: true },
    { ...files, tlsKey: broken },
    { ...files, tlsCert: join(home.path, "missing.pem") },
    { host: "192.0.2.1", ...files },
  ];
  for (const options of cases) {
    await assert.rejects(launch(home.path, options), { code: "config_invalid" }, JSON.stringify(options));
  }
});
