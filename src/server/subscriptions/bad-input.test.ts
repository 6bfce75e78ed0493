import assert from "node:assert/strict";
import { test } from "node:test";
import { CHANGES_TOPIC, streamTopic } from "../../protocol/topics.ts";
import { contract } from "../testing/data.ts";
import { call, temporaryServer, until } from "../testing/harness.ts";
import { FakeViewer } from "../testing/peers.ts";
import { OUT, playRun } from "../testing/play.ts";

/** WebSocket close codes. */
const POLICY_VIOLATION = 1008;
const MESSAGE_TOO_BIG = 1009;

function errorsOf(viewer: FakeViewer): string[] {
  return viewer.of("error").map(({ id, error }) => `${id} ${error.code}: ${error.message}`);
}

test("what cannot be subscribed to is answered with an error, and the connection stays", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { daemon, spec, topic, say } = await playRun(server);
  await using _ = daemon;
  await say(OUT, "seven b");
  await using viewer = await FakeViewer.connect(server);
  const { runId } = spec;
  viewer.subscribe(1, "nonsense");
  viewer.subscribe(2, streamTopic("unknown", OUT));
  viewer.subscribe(3, streamTopic("\0' or \ud800", OUT));
  viewer.subscribe(4, streamTopic(runId, "../../spec.json"));
  viewer.subscribe(5, topic, { from: 8 });
  viewer.subscribe(6, CHANGES_TOPIC, { from: Number.MAX_SAFE_INTEGER });
  viewer.subscribe(7, topic);
  viewer.subscribe(7, topic);
  await until(() => viewer.of("error").length === 7);
  const errors = errorsOf(viewer).toSorted();
  assert.equal(errors[0], "1 not_found: There is no topic nonsense");
  assert.equal(errors[1], "2 not_found: There is no run unknown");
  assert.match(errors[2] ?? "", /^3 not_found: There is no run /);
  assert.equal(errors[3], "4 not_found: No run has a stream ../../spec.json");
  assert.equal(errors[4], `5 invalid_request: The stream ${OUT} ends at 7, before 8`);
  assert.match(errors[5] ?? "", /^6 invalid_request: The change feed ends at \d+, before 9007199254740991$/);
  assert.equal(errors[6], "7 conflict: Subscription 7 exists already");
  await until(() => viewer.bytes(7).length === 7);
});

test("a task's key sees the streams of its own contract and nothing else, until its run ends", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { daemon, spec, topic, say, finish } = await playRun(server);
  await using _ = daemon;
  await call(server, "createContract", contract);
  const foreign = await daemon.spawned(2);
  const { runId } = spec;
  await say(OUT, "mine");
  await using agent = await FakeViewer.connect(server, spec.taskToken);
  agent.subscribe(1, topic);
  agent.subscribe(2, streamTopic(foreign.spec.runId, OUT));
  agent.subscribe(3, streamTopic(foreign.spec.runId.slice(-12), OUT));
  agent.subscribe(4, streamTopic(runId.slice(-12), OUT));
  await until(() => [1, 4].every((id) => String(agent.bytes(id)) === "mine") && agent.of("error").length === 2);
  const codes = agent.of("error").map(({ id, error }) => `${id} ${error.code}`);
  assert.deepEqual(codes.toSorted(), ["2 forbidden", "3 not_found"]);
  await finish();
  assert.equal(await agent.closed, POLICY_VIOLATION);
});

test("the end of a person's key ends what is open under it, and nothing else", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { key, token } = await call(server, "createKey", { kind: "user", name: "laptop" });
  await using laptop = await FakeViewer.connect(server, token);
  await using other = await FakeViewer.connect(server);
  laptop.subscribe(1, CHANGES_TOPIC);
  await call(server, "revokeKey", { id: key.id });
  assert.equal(await laptop.closed, POLICY_VIOLATION);
  other.subscribe(1, CHANGES_TOPIC, { follow: false });
  await other.ended(1);
});

const fine = { type: "subscribe", id: 1, topic: CHANGES_TOPIC, from: 0, follow: true };
const withFrom = (from: unknown) => JSON.stringify({ ...fine, from });

const MALFORMED: Record<string, string | Buffer> = {
  "no JSON": "{",
  "an empty frame": "",
  "a binary frame": Buffer.from(JSON.stringify(fine)),
  "another type": JSON.stringify({ ...fine, type: "append" }),
  "an unknown field": JSON.stringify({ ...fine, until: 7 }),
  "a missing field": JSON.stringify({ ...fine, follow: undefined }),
  "a prototype": JSON.stringify(fine).replace("{", '{"__proto__":{"follow":true},'),
  "a key twice": JSON.stringify(fine).replace("{", '{"from":7,'),
  "a deep body": `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
  "a negative cursor": withFrom(-1),
  "a cursor that is no integer": withFrom(0.5),
  "a cursor that is text": withFrom("0"),
  "a cursor above 2^53": withFrom(2 ** 53 + 2),
  "an infinite cursor": JSON.stringify(fine).replace('"from":0', '"from":1e999'),
  "a negative id": JSON.stringify({ ...fine, id: -1 }),
  "a topic without end": JSON.stringify({ ...fine, topic: "x".repeat(301) }),
};

test("a message that makes no sense ends the connection, whatever is wrong with it", async () => {
  await using running = await temporaryServer();
  for (const [what, message] of Object.entries(MALFORMED)) {
    await using viewer = await FakeViewer.connect(running.server);
    viewer.socket.send(message);
    viewer.subscribe(2, CHANGES_TOPIC);
    assert.equal(await viewer.closed, POLICY_VIOLATION, what);
    assert.deepEqual(viewer.messages, [], what);
  }
});

test("a frame beyond the limit and too many subscriptions end the connection", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  await using large = await FakeViewer.connect(server);
  large.socket.send(" ".repeat(1024 * 1024 + 1));
  assert.equal(await large.closed, MESSAGE_TOO_BIG);
  await using greedy = await FakeViewer.connect(server);
  for (let id = 0; id <= 256; id += 1) greedy.subscribe(id, CHANGES_TOPIC);
  assert.equal(await greedy.closed, POLICY_VIOLATION);
  await using modest = await FakeViewer.connect(server);
  for (let id = 0; id < 256; id += 1) modest.subscribe(id, CHANGES_TOPIC, { follow: false });
  await until(() => modest.of("end").length === 256);
});

test("in a burst of subscriptions and ends of them, an id is the latest one's, and the earlier ones are silent", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { daemon, topic, say } = await playRun(server);
  await using _ = daemon;
  await say(OUT, "0123456789");
  await using viewer = await FakeViewer.connect(server);
  for (let from = 0; from < 9; from += 1) {
    viewer.subscribe(1, topic, { from });
    viewer.tell({ type: "unsubscribe", id: 1 });
    viewer.tell({ type: "unsubscribe", id: 1 });
  }
  viewer.subscribe(1, topic, { from: 9 });
  const latest = () => viewer.frames.slice(viewer.frames.findIndex(({ offset }) => offset === 9));
  await until(() => viewer.frames.at(-1)?.offset === 9);
  await say(OUT, "later");
  await until(() => latest().length === 2);
  // What an earlier one was sent before its end was heard of came before.
  assert.equal(Buffer.concat(latest().map(({ data }) => data)).toString(), "9later");
  assert.deepEqual(viewer.messages, []);
});
