import assert from "node:assert/strict";
import { test } from "node:test";
import { LINK_PATH, LINK_SCOPES, ROUTES, SUBSCRIBE_PATH, SUBSCRIBE_SCOPES } from "../../protocol/routes.ts";
import type { RouteName, Scope } from "../../protocol/routes.ts";
import { encodeEvent } from "../../protocol/run-events.ts";
import { EVENTS } from "../../protocol/streams.ts";
import { ask, askRoute, bearer } from "../testing/ask.ts";
import type { Given } from "../testing/ask.ts";
import { finished, started } from "../testing/data.ts";
import { call, until } from "../testing/harness.ts";
import { CALLS, newWorld } from "../testing/world.ts";
import type { Side, World } from "../testing/world.ts";

const NAMES = Object.keys(ROUTES) as RouteName[];

interface Keys {
  /** Valid ones. */
  valid: Record<Scope, string>;
  /** null: none at all; the others are not valid any more. */
  invalid: (string | null)[];
}

/** Every kind of key; among the invalid ones that of a task whose run has ended: the other side's. */
async function keysOf({ server, daemon, own, foreign, supervised }: World): Promise<Keys> {
  const revoked = await call(server, "createKey", { kind: "user", name: "revoked" });
  await call(server, "revokeKey", { id: revoked.key.id });
  const fence = daemon.spawns.find(({ spec }) => spec.runId === foreign.runId)?.spec.fence ?? 0;
  const offset = encodeEvent(started).length;
  daemon.append({ run: foreign.runId, fence, stream: EVENTS, offset }, encodeEvent(finished()));
  await until(async () => (await call(server, "getTask", { id: foreign.taskId })).task.status === "completed");
  return {
    valid: {
      user: server.userKey,
      daemon: server.daemonKey,
      task: own.taskToken,
      supervisor: supervised.taskToken,
    },
    invalid: [null, "mk_user_nonsense", revoked.token, foreign.taskToken],
  };
}

test("each route is open to the keys that the table says, and to no other", async () => {
  await using world = await newWorld({ behindProxy: true, publicUrl: "https://makima.example" });
  const { valid, invalid } = await keysOf(world);
  for (const [index, name] of NAMES.entries()) {
    const open = ROUTES[name].scopes === null;
    // Each route is tried from an address of its own: wrong keys are limited by address.
    const from = { "x-forwarded-for": `10.0.0.${index}` };
    const asked = async (key: string | null) => askRoute(world.server, name, key, await CALLS[name](world.own), from);
    for (const key of invalid) assert.equal((await asked(key)).status, open ? 200 : 401, `${name} ${key}`);
    for (const [kind, key] of Object.entries(valid) as [Scope, string][]) {
      const allowed = isAllowed(name, kind);
      const { status, error } = await asked(key);
      assert.ok(status !== 401 && status < 500, `${name} ${kind} ${status}`);
      assert.equal(error?.message === `The key of a ${kind} may not do this`, !allowed, `${name} ${kind} ${status}`);
      if (!allowed) assert.equal(status, 403);
    }
  }
});

test("so are the WebSockets", async () => {
  await using world = await newWorld();
  const { valid, invalid } = await keysOf(world);
  const upgrade = { connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
  const handshake = { ...upgrade, "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==" };
  const sockets: [string, readonly Scope[]][] = [
    [SUBSCRIBE_PATH, SUBSCRIBE_SCOPES],
    [LINK_PATH, LINK_SCOPES],
  ];
  for (const [path, scopes] of sockets) {
    const url = `${world.server.url}${path}`;
    for (const key of invalid) {
      const headers = { ...handshake, ...(key === null ? {} : bearer(key)) };
      assert.equal((await ask(url, { headers })).status, 401, `${path} ${key}`);
    }
    for (const [kind, key] of Object.entries(valid)) {
      const allowed = scopes.some((scope) => scope === kind);
      // Without the headers of an upgrade it is the guard alone that decides, and then there is no socket to open.
      const { status, error } = await ask(url, { headers: bearer(key) });
      assert.deepEqual(
        [status, error?.code],
        allowed ? [400, "invalid_request"] : [403, "forbidden"],
        `${path} ${kind}`,
      );
    }
  }
});

test("the key of a task or supervisor gets nothing of another contract, whatever the route", async () => {
  await using world = await newWorld();
  const { server, own, foreign, supervised } = world;
  const agents: [Scope, Side][] = [
    ["task", own],
    ["supervisor", supervised],
  ];
  for (const [kind, { taskToken }] of agents) {
    for (const name of NAMES) {
      const given = await CALLS[name](foreign);
      const allowed = isAllowed(name, kind);
      const naming = Object.values(given).some(isId);
      const full = await askRoute(server, name, taskToken, given);
      if (naming || !allowed) assert.equal(full.status, 403, `${kind} ${name} ${full.text}`);
      else assertSilent(full.text, foreign, `${kind} ${name}`);
      if (!naming || !allowed) continue;
      // What cannot be named in full does not even show that it is there.
      const short = await askRoute(server, name, taskToken, shortened(given));
      const refused = name === "advancePhase" ? 403 : 404;
      assert.equal(short.status, refused, `${kind} ${name} ${short.text}`);
    }
  }
});

test("what it lists without naming a contract is its own", async () => {
  await using world = await newWorld();
  const { server, own, foreign, supervised } = world;
  for (const side of [own, supervised]) {
    const { operation } = await call(server, "startOperation", { kind: "GetDiff", task: side.taskId });
    const lists: [RouteName, string][] = [
      ["listContracts", side.contractId],
      ["listTasks", side.taskId],
      ["listQuestions", side.questionId],
      ["listOperations", operation.id],
      ["listChanges", side.runId],
    ];
    for (const [name, id] of lists) {
      const { status, text } = await askRoute(server, name, side.taskToken, {});
      assert.equal(status, 200);
      assert.ok(text.includes(id), `${name} shows its own`);
      assertSilent(text, foreign, name);
    }
  }
});

function isAllowed(name: RouteName, kind: Scope): boolean {
  const { scopes } = ROUTES[name];
  return scopes === null || scopes.some((scope) => scope === kind);
}

function isId(value: unknown): value is string {
  return /^[0-9a-f-]{36}$/.test(String(value));
}

/** The same with the end of each id, as people copy it. */
function shortened(given: Given): Given {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, isId(value) ? value.slice(-12) : value]),
  );
}

function assertSilent(
  text: string,
  { contractId, taskId, runId, questionId, notificationId }: Side,
  what: string,
): void {
  for (const secret of [contractId, taskId, runId, questionId, notificationId]) {
    assert.ok(!text.includes(secret), `${what} shows ${secret}`);
  }
}
