import assert from "node:assert/strict";
import { test } from "node:test";
import { CHANGES_TOPIC, streamTopic } from "../../protocol/topics.ts";
import { contract } from "../testing/data.ts";
import { call, temporaryServer, until } from "../testing/harness.ts";
import { retainedBytes } from "../testing/memory.ts";
import { FakeViewer } from "../testing/peers.ts";
import { OUT, playRun } from "../testing/play.ts";

test("two viewers see the same bytes, from before and after they came, until the stream is complete", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { daemon, spec, topic, say, finish } = await playRun(server);
  await using _ = daemon;
  await using early = await FakeViewer.connect(server);
  early.subscribe(1, topic);
  early.subscribe(2, streamTopic(spec.runId, "iterations/0009/out"));
  await say(OUT, "before ");
  await using late = await FakeViewer.connect(server);
  late.subscribe(7, topic, { from: 3 });
  await say(OUT, "after");
  await finish();
  await Promise.all([early.ended(1), early.ended(2), late.ended(7)]);
  assert.equal(String(early.bytes(1)), "before after");
  assert.equal(String(late.bytes(7, 3)), "ore after");
  assert.equal(early.bytes(2).length, 0);
  assert.deepEqual(
    early.of("end").find(({ id }) => id === 1),
    { type: "end", id: 1, cursor: 12 },
  );
});

test("a viewer that comes back at its cursor misses nothing and sees nothing twice", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { daemon, topic, say } = await playRun(server);
  await using _ = daemon;
  let seen = "";
  for (const word of ["one ", "two ", "three "]) {
    await using viewer = await FakeViewer.connect(server);
    viewer.subscribe(1, topic, { from: seen.length });
    await say(OUT, word);
    const from = seen.length;
    await until(() => viewer.bytes(1, from).length === word.length);
    seen += String(viewer.bytes(1, from));
  }
  assert.equal(seen, "one two three ");
});

test("without follow a subscription ends where the topic ends now; an unsubscribed one is silent", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { daemon, topic, say } = await playRun(server);
  await using _ = daemon;
  await say(OUT, "now");
  await using viewer = await FakeViewer.connect(server);
  viewer.subscribe(1, topic, { follow: false });
  viewer.subscribe(2, CHANGES_TOPIC, { follow: false });
  viewer.subscribe(3, topic, { from: 3 });
  viewer.tell({ type: "unsubscribe", id: 3 });
  await Promise.all([viewer.ended(1), viewer.ended(2)]);
  await say(OUT, "later");
  viewer.subscribe(4, topic, { follow: false });
  await viewer.ended(4);
  assert.equal(String(viewer.bytes(1)), "now");
  assert.equal(String(viewer.bytes(4)), "nowlater");
  assert.equal(viewer.bytes(3, 3).length, 0);
});

test("the change feed goes on without a gap from any cursor", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  await using viewer = await FakeViewer.connect(server);
  viewer.subscribe(1, CHANGES_TOPIC);
  const { task, cursor } = await call(server, "createContract", contract);
  await call(server, "stopTask", { id: task.id });
  const changes = (id = 1) => viewer.of("changes").flatMap((message) => (message.id === id ? message.changes : []));
  await until(() => changes().some(({ data }) => data["status"] === "cancelled"));
  assert.deepEqual(
    changes().map(({ seq }) => seq),
    changes().map((_, index) => index + 1),
  );
  viewer.subscribe(2, CHANGES_TOPIC, { from: cursor, follow: false });
  await viewer.ended(2);
  assert.equal(cursor, 0);
  assert.deepEqual(changes(2), changes(1));
});

test("a viewer that does not read costs no memory, and gets everything when it does", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { daemon, spec, topic } = await playRun(server);
  await using _ = daemon;
  await using viewer = await FakeViewer.connect(server);
  viewer.subscribe(1, topic);
  viewer.socket.pause();
  const piece = Buffer.alloc(256 * 1024, "0123456789\n");
  const before = retainedBytes();
  for (let index = 0; index < 100; index += 1) {
    daemon.append({ run: spec.runId, fence: 1, stream: OUT, offset: index * piece.length }, piece);
    await until(() => daemon.acked(spec.runId, OUT) === (index + 1) * piece.length);
  }
  // A third of what was written, several times what one viewer may hold. The collector frees buffers after its call, too.
  await until(() => retainedBytes() - before < 32 * piece.length);
  viewer.socket.resume();
  await until(() => viewer.bytes(1).length === 100 * piece.length);
});
