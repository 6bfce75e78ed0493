import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import type { IncomingHttpHeaders } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { runInNewContext } from "node:vm";
import { WebSocket } from "ws";
import { SUBSCRIBE_PATH } from "../../src/protocol/routes.ts";
import type { RunningServer } from "../../src/server/server.ts";
import { ask, bearer } from "../../src/server/testing/ask.ts";
import { CERTIFICATE, CERTIFICATE_KEY } from "../../src/server/testing/certificate.ts";
import { call, launch, temporaryHome, until } from "../../src/server/testing/harness.ts";
import { ManualClock } from "../../src/server/testing/manual-clock.ts";

const POLICY_VIOLATION = 1008;
const DAY = 24 * 60 * 60_000;

const clock = new ManualClock();
let home: Awaited<ReturnType<typeof temporaryHome>>;
let server: RunningServer;
before(async () => {
  home = await temporaryHome();
  server = await launch(home.path, { clock });
});
after(async () => {
  await server.close();
  await home[Symbol.asyncDispose]();
});

const post = (path: string, body: unknown, headers: IncomingHttpHeaders = {}) =>
  ask(`${server.url}${path}`, { method: "POST", body: JSON.stringify(body), headers });

/** Logs in, and gives the cookie that a browser would send. */
async function logIn(): Promise<string> {
  const { code } = await call(server, "createLogin", {});
  const { headers } = await post("/login", { code }, { origin: server.url });
  return String(headers["set-cookie"]).split(";", 1)[0] ?? "";
}

test("the link is used once, for a cookie that no script can read and no other page sends", async () => {
  const link = new URL(await server.createLoginLink());
  assert.equal(`${link.origin}${link.pathname}`, `${server.url}/login`);
  const code = link.hash.slice(1);
  assert.equal((await ask(link.href)).status, 200, "the page itself, to which the code is not sent");
  assert.equal((await post("/login", { code }, { origin: "https://evil.example" })).status, 403);
  const { status, headers } = await post("/login", { code });
  assert.equal(status, 200);
  const [cookie = ""] = headers["set-cookie"] ?? [];
  assert.match(cookie, /^makima=mk_user_[\w-]{43}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Strict$/);
  const again = await post("/login", { code });
  assert.deepEqual([again.status, again.error?.code], [401, "unauthorized"]);
  assert.match(again.error?.hint ?? "", /makima open/);
});

test("a session reads and changes what a person may, is listed with its end, and ends with the log-out", async () => {
  const cookie = await logIn();
  const own = { cookie, origin: server.url };
  const me = () => ask(`${server.url}/api/v1/me`, { headers: { cookie } });
  assert.equal((await me()).status, 200);
  assert.match((await ask(`${server.url}/`, { headers: { cookie } })).text, /this browser is logged in/);
  assert.equal((await post("/api/v1/notifications/mark", { as: "read" }, own)).status, 200);
  const { keys } = await call(server, "listKeys", {});
  assert.equal(keys.find(({ name }) => name === "browser")?.expiresAt, clock.now() + 7 * DAY);

  const viewer = viewerOf(own);
  await viewer.opened;
  assert.equal((await post("/logout", {}, { cookie })).status, 403);
  assert.equal((await me()).status, 200);
  const { status, headers } = await post("/logout", {}, own);
  assert.equal(status, 200);
  assert.match(String(headers["set-cookie"]), /^makima=; Path=\/; Max-Age=0; HttpOnly; SameSite=Strict$/);
  assert.equal((await me()).status, 401);
  assert.equal(await viewer.closed, POLICY_VIOLATION);
});

test("a session that expires ends what it has opened", async () => {
  const viewer = viewerOf({ cookie: await logIn(), origin: server.url });
  await viewer.opened;
  await until(() => clock.sleeping.includes(7 * DAY));
  clock.advance(7 * DAY);
  assert.equal(await viewer.closed, POLICY_VIOLATION);
});

test("logging out with a key that is no session ends no key", async () => {
  assert.equal((await post("/logout", {}, bearer(server.userKey))).status, 200);
  await call(server, "serverInfo", {});
});

test("without a session a browser is shown how to get one", async () => {
  for (const headers of [{}, { cookie: `makima=mk_user_${"x".repeat(43)}` }]) {
    const { status, headers: answered } = await ask(`${server.url}/`, { headers });
    assert.deepEqual([status, answered.location], [303, "/login"]);
  }
  const { text, headers } = await ask(`${server.url}/login`);
  assert.match(text, /makima open/);
  assert.match(String(headers["content-type"]), /^text\/html/);
  for (const [, attributes = ""] of text.matchAll(/<script([^>]*)>/g)) assert.match(attributes, / src="\/page\.js"/);
  assert.doesNotMatch(text, /<style| style=| on\w+=|javascript:/);
});

test("the page's script posts the code, takes it out of the address, and says what went wrong", async () => {
  const script = (await ask(`${server.url}/page.js`)).text;
  const { code } = await call(server, "createLogin", {});
  const first = await runScript(script, `#${code}`);
  assert.deepEqual(first, { replaced: "/login", went: "/", said: "Logging in ..." });
  const second = await runScript(script, `#${code}`);
  assert.deepEqual([second.went, second.replaced], ["", "/login"]);
  assert.match(second.said, /^The link was used already, or is too old\. Run `makima open`/);
});

test("over TLS the cookie travels over TLS only, and is this very host's", async () => {
  await using other = await temporaryHome();
  const files = { tlsCert: join(other.path, "cert.pem"), tlsKey: join(other.path, "key.pem") };
  await writeFile(files.tlsCert, CERTIFICATE);
  await writeFile(files.tlsKey, CERTIFICATE_KEY);
  await using tls = await launch(other.path, { ...files, publicUrl: "https://localhost" });
  const link = new URL(await tls.createLoginLink());
  assert.equal(link.origin, "https://localhost");
  const local = `https://127.0.0.1:${tls.port}`;
  const headers = { host: "localhost", origin: "https://localhost" };
  const asked = { headers, body: JSON.stringify({ code: link.hash.slice(1) }), ca: CERTIFICATE };
  const { headers: answered } = await ask(`${local}/login`, asked);
  const [cookie = ""] = answered["set-cookie"] ?? [];
  assert.match(cookie, /^__Host-makima=\S+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict; Secure$/);
  const session = { headers: { ...headers, cookie: cookie.split(";", 1)[0] }, ca: CERTIFICATE };
  assert.equal((await ask(`${local}/api/v1/me`, session)).status, 200);
});

/** A browser's WebSocket, which carries the cookie and the page's origin. */
function viewerOf(headers: { cookie: string; origin: string }): { opened: Promise<void>; closed: Promise<number> } {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}${SUBSCRIBE_PATH}`, { headers });
  return {
    opened: new Promise((resolve) => socket.on("open", () => resolve())),
    closed: new Promise((resolve) => socket.on("close", resolve)),
  };
}

/** Runs a page's script as a browser on the login page would, with real requests. */
async function runScript(script: string, hash: string): Promise<{ replaced: string; went: string; said: string }> {
  const seen = { replaced: "", went: "" };
  const said = { textContent: "" };
  let requests: Promise<unknown>[] = [];
  const browser = {
    location: { hash, pathname: "/login", replace: (to: string) => (seen.went = to) },
    history: { replaceState: (_state: unknown, _title: string, path: string) => (seen.replaced = path) },
    document: { getElementById: (id: string) => (id === "said" ? said : null) },
    fetch: (path: string, options: RequestInit) => {
      const answered = fetch(`${server.url}${path}`, options);
      requests = [...requests, answered];
      return answered;
    },
  };
  runInNewContext(script, browser);
  await Promise.all(requests);
  await until(() => seen.went !== "" || said.textContent !== "Logging in ...");
  return { ...seen, said: said.textContent };
}
