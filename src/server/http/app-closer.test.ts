import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request } from "node:http";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { bearer } from "../testing/ask.ts";
import { contract } from "../testing/data.ts";
import { call, launch, temporaryHome, until } from "../testing/harness.ts";
import { FakeDaemon, FakeViewer } from "../testing/peers.ts";

const GOING_AWAY = 1001;

test("a server that stops answers what is under way, tells its sockets, and accepts nothing new", async () => {
  await using home = await temporaryHome();
  await using server = await launch(home.path);
  await using daemon = await FakeDaemon.connect(server);
  await using viewer = await FakeViewer.connect(server);
  using agent = closing(new Agent({ keepAlive: true }));
  // The request has reached its route when the server asks for its body.
  const headers = { ...bearer(server.userKey), "content-type": "application/json", expect: "100-continue" };
  const sent = request(`${server.url}/api/v1/contracts`, { method: "POST", headers, agent: agent.agent });
  sent.flushHeaders();
  await once(sent, "continue");
  const closed = server.close();
  await assert.rejects(() => call(server, "serverInfo", {}), /fetch failed/);
  assert.deepEqual(await Promise.all([daemon.closed, viewer.closed]), [GOING_AWAY, GOING_AWAY]);
  sent.end(JSON.stringify(contract));
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  const { contract: made } = JSON.parse((await answer.toArray()).join("")) as { contract: { id: string } };
  assert.equal(answer.statusCode, 200);
  const begun = performance.now();
  await closed;
  assert.ok(performance.now() - begun < 4_000, "the kept connection has ended with its answer");
  await using again = await launch(home.path);
  assert.equal((await call(again, "getContract", { id: made.id })).contract.name, contract.name);
});

test("who never finishes a request does not keep it from ending", async () => {
  await using home = await temporaryHome();
  await using server = await launch(home.path);
  const headers = { ...bearer(server.userKey), "content-type": "application/json", expect: "100-continue" };
  const sent = request(`${server.url}/api/v1/contracts`, { method: "POST", headers });
  const cutOff = once(sent, "error");
  sent.flushHeaders();
  await once(sent, "continue");
  await server.close();
  await cutOff;
  await until(() => sent.destroyed);
});

function closing(agent: Agent): Disposable & { agent: Agent } {
  return { agent, [Symbol.dispose]: () => agent.destroy() };
}
