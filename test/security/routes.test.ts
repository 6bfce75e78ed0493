import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { request } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, Server } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import {
  LINK_PATH,
  LINK_SCOPES,
  MAX_BODY,
  ROUTES,
  SUBSCRIBE_PATH,
  SUBSCRIBE_SCOPES,
} from "../../src/protocol/routes.ts";
import type { Route, RouteName } from "../../src/protocol/routes.ts";
import { PAGES } from "../../src/server/http/pages.ts";
import { ask, bearer, requestFor } from "../../src/server/testing/ask.ts";
import type { Answer, Given } from "../../src/server/testing/ask.ts";
import { temporaryHome } from "../../src/server/testing/harness.ts";
import { CALLS, newWorld } from "../../src/server/testing/world.ts";
import type { World } from "../../src/server/testing/world.ts";

/** Everything that the server answers: what is added to a table is covered by that. */
interface Walked {
  what: string;
  method: string;
  url: string;
  open: boolean;
  /** Status for who has no key. */
  keyless: number;
  body: string | null;
}

const UPGRADE = { connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
const HANDSHAKE = { ...UPGRADE, "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==" };
const SOCKETS = [
  { path: SUBSCRIBE_PATH, scopes: SUBSCRIBE_SCOPES },
  { path: LINK_PATH, scopes: LINK_SCOPES },
];
const NAMES = Object.keys(ROUTES) as RouteName[];

/** By the number of parts that the colons of a path make: values of its parameters. */
const BARE: readonly Given[] = [{}, {}, { id: "x" }, { id: "x", name: "x" }];
const WRITES = NAMES.filter((name) => ROUTES[name].method !== "GET");

/** A server whose keys may try as often as the walks do, each from an address of its own. */
const PROXIED = { behindProxy: true, publicUrl: "https://makima.example", rateLimit: 1_000_000 };

let world: World;
let home: Awaited<ReturnType<typeof temporaryHome>>;
before(async () => {
  home = await temporaryHome();
  world = await newWorld({ ...PROXIED, database: { kind: "sqlite", path: `${home.path}/makima.db` } });
});
after(async () => {
  await world[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

const key = () => bearer(world.server.userKey);
let addresses = 0;

function asked(walked: Walked, headers: IncomingHttpHeaders): Promise<Answer> {
  addresses += 1;
  const from = { "x-forwarded-for": `10.0.${addresses >> 8}.${addresses & 255}` };
  const { method, url, body } = walked;
  return ask(url, { method, headers: { ...from, ...headers }, ...(body === null ? {} : { body }) });
}

/** `calls`: with what makes each call succeed; otherwise with the least that leads to its route. */
async function walk(calls: "calls" | "bare" = "calls"): Promise<Walked[]> {
  const routes: Promise<Walked>[] = NAMES.map(async (name) => {
    const given = calls === "calls" ? await CALLS[name](world.own) : BARE[ROUTES[name].path.split(":").length];
    const { method, url, body } = requestFor(world.server, name, given ?? {});
    const open = ROUTES[name].scopes === null;
    return { what: name, method, url: url.href, open, keyless: open ? 200 : 401, body };
  });
  const pages = Object.entries(PAGES).map(([what, { method, path, scopes, ...page }]): Walked => {
    const keyless = scopes === null ? (method === "GET" ? 200 : 400) : "loginFirst" in page ? 303 : 401;
    const body = method === "GET" ? null : "{}";
    return { what, method, url: `${world.server.url}${path}`, open: scopes === null, keyless, body };
  });
  const sockets = SOCKETS.map(({ path }): Walked => {
    return { what: path, method: "GET", url: `${world.server.url}${path}`, open: false, keyless: 401, body: null };
  });
  return [...(await Promise.all(routes)), ...pages, ...sockets];
}

test("every route looks at Host first, then at Origin, then at the key; only what is open needs none", async () => {
  for (const walked of await walk("bare")) {
    const { what, keyless } = walked;
    const said = async (headers: IncomingHttpHeaders) => (await asked(walked, headers)).error?.message ?? "";
    const foreign = { host: "evil.example", origin: "https://evil.example" };
    assert.match(await said({ ...key(), ...foreign }), /^This server is not known as evil\.example$/, what);
    assert.match(await said(foreign), /^This server is not known as /, what);
    assert.match(await said({ ...key(), origin: "https://evil.example" }), /^Requests from .* are not allowed$/, what);
    assert.match(await said({ origin: "null" }), /^Requests from null are not allowed$/, what);
    assert.equal((await asked(walked, {})).status, keyless, what);
    const wrong = await asked(walked, bearer(`mk_user_${"x".repeat(43)}`));
    assert.equal(wrong.status, keyless, what);
  }
});

/** In full, and not as the server has them: what they say is the defence. */
const BINDING = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

test("every answer has headers that bind a browser", async () => {
  const walked = await walk("bare");
  const { url } = world.server;
  const odd = ["/nothing", "/api/v1/tasks/%", `/${"x".repeat(20_000)}`].map((path): Walked => {
    return { what: path.slice(0, 20), method: "GET", url: url + path, open: false, keyless: 401, body: null };
  });
  for (const each of [...walked, ...odd]) {
    for (const headers of [{}, key(), { host: "evil.example" }]) {
      if (each.what === "shutdown" && "authorization" in headers) continue;
      const answer = await asked(each, headers);
      for (const [name, value] of Object.entries(BINDING)) {
        assert.equal(answer.headers[name], value, `${name} of ${each.what} ${answer.status}`);
      }
    }
  }
});

test("no route changes anything on GET", async () => {
  const reads = (await walk()).filter(({ method }) => method === "GET");
  const untouched = contents(`${home.path}/makima.db`);
  for (const walked of reads) {
    for (const headers of [key(), bearer(world.server.daemonKey), bearer(world.own.taskToken), {}]) {
      await asked(walked, headers);
      await asked({ ...walked, method: "HEAD" }, headers);
    }
  }
  assert.deepEqual(contents(`${home.path}/makima.db`), untouched);
});

test("every route takes a cookie for what changes something only from a page of this server", async () => {
  const cookie = `makima=${world.server.userKey}`;
  for (const walked of await walk("bare")) {
    const { what, method, open } = walked;
    if (open) continue;
    const isSocket = SOCKETS.some(({ path }) => path === what);
    const headers = isSocket ? HANDSHAKE : {};
    const { status, error } = await asked(walked, { ...headers, cookie });
    const refused = status === 403 && error?.message === "A request that is made with a cookie must carry its Origin";
    assert.equal(refused, method !== "GET" || isSocket, `${what} ${status}`);
    if (!refused) assert.notEqual(status, 401, what);
    // A page of another port is of the same site, so its requests would carry the cookie.
    const other = await asked(walked, { ...headers, cookie, origin: "http://127.0.0.1:3000" });
    assert.equal(other.status, 403, what);
  }
  const own = { cookie, origin: world.server.url };
  assert.equal(
    (await ask(`${world.server.url}/api/v1/notifications/mark`, { headers: own, body: '{"as":"read"}' })).status,
    200,
  );
});

test("no route takes a session from a cookie but a person's key, or one beside an Authorization header", async () => {
  const url = `${world.server.url}/api/v1/tasks`;
  const status = async (headers: IncomingHttpHeaders) => (await ask(url, { headers })).status;
  const { userKey, daemonKey } = world.server;
  assert.equal(await status({ cookie: `a=b; makima=${userKey}; c=d` }), 200);
  for (const value of [world.own.taskToken, daemonKey, "", `"${userKey}"`, `${userKey}x`]) {
    assert.equal(await status({ cookie: `makima=${value}` }), 401);
  }
  assert.equal(await status({ cookie: `makima=${userKey}`, ...bearer("mk_user_wrong") }), 401);
  assert.equal(await status({ cookie: `__Host-makima=${userKey}` }), 401);
  assert.equal(await status({ cookie: `__Host-makima=${userKey}`, host: "makima.example" }), 200);
});

test("every route refuses what its schemas do not name", async () => {
  for (const name of NAMES) {
    const given = { ...(await CALLS[name](world.own)), unheard_of: "1" };
    const { method, url, body } = requestFor(world.server, name, given);
    const walked = { what: name, method, url: url.href, open: false, keyless: 401, body };
    const { status, error } = await asked(walked, key());
    assert.deepEqual([status, error?.code], [400, "invalid_request"], name);
  }
  for (const { what, method, url } of (await walk()).filter(({ what: page }) => page === "logIn")) {
    const body = JSON.stringify({ code: "mk_login_x", also: 1 });
    assert.equal((await ask(url, { method, body })).status, 400, what);
  }
});

test("every route refuses bodies that are too large, before they are sent, or too deep", async () => {
  const deep = `{"a":${"[".repeat(64)}${"]".repeat(64)}}`;
  for (const name of WRITES) {
    const { method, url } = requestFor(world.server, name, { id: "x", name: "x" });
    assert.equal(await statusOfLarge(method, url), 413, name);
    const { status, error } = await ask(url.href, { method, headers: key(), body: deep });
    assert.deepEqual([status, error?.message], [400, "The body is nested too deeply"], name);
  }
  // What anybody may send, without a key, is small.
  const { url } = world.server;
  assert.equal(await statusOfLarge("POST", new URL("/login", url), 1025), 413);
  assert.equal((await ask(`${url}/login`, { body: deep })).status, 400);
});

test("no request may take for ever to arrive", async () => {
  const limits: number[] = [];
  const started = (message: unknown) => limits.push((message as { server: Server }).server.requestTimeout);
  subscribe("http.server.request.start", started);
  await ask(`${world.server.url}/healthz`);
  unsubscribe("http.server.request.start", started);
  assert.deepEqual(limits, [60_000]);
});

test("every route needs a key, but for the sign of life and the login page", () => {
  const routes: Route[] = Object.values(ROUTES);
  assert.deepEqual(
    routes.filter(({ scopes }) => scopes === null).map(({ path }) => path),
    ["/healthz"],
  );
  const open = Object.values(PAGES).filter(({ scopes }) => scopes === null);
  assert.deepEqual([...new Set(open.map(({ path }) => path))], ["/login", "/page.js"]);
  // Nor is there a route that is in no table.
  const server = join(import.meta.dirname, "../../src/server");
  const sources = globSync("**/*.ts", { cwd: server }).filter((file) => !file.endsWith(".test.ts"));
  const adding = sources.filter((file) =>
    /\bapp\.(?:route|get|post|put|patch|delete|all)\(/.test(readFileSync(join(server, file), "utf8")),
  );
  assert.deepEqual(adding.toSorted(), ["http/pages.ts", "http/routes.ts", "http/sockets.ts"]);
});

/** Every row of every table, but for what goes on by itself: signs of life, and who does which duty. */
function contents(path: string): Record<string, unknown[]> {
  using database = new DatabaseSync(path, { readOnly: true });
  const tables = database.prepare("select name from sqlite_master where type = 'table' order by name").all();
  const names = tables
    .map(({ name }) => String(name))
    .filter((name) => name !== "duties" && !name.startsWith("sqlite_"));
  return Object.fromEntries(
    names.map((name) => [
      name,
      database
        .prepare(`select * from "${name}"`)
        .all()
        .map((row) => JSON.stringify({ ...row, last_seen_at: null })),
    ]),
  );
}

/** The answer to a body of which nothing is sent but its size. */
async function statusOfLarge(method: string, url: URL, size = MAX_BODY + 1): Promise<number | undefined> {
  const headers = { ...key(), "content-type": "application/json", "content-length": size };
  const sent = request(url, { method, headers }).on("error", () => undefined);
  sent.flushHeaders();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  sent.destroy();
  return response.statusCode;
}
