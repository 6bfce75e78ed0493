import assert from "node:assert/strict";
import { readChanges } from "../changes/changes.ts";
import type { Store } from "../db/store.ts";
import { listNotifications } from "../notifications/list.ts";
import { moveNotification } from "../notifications/notifications.ts";
import { stopTask } from "../tasks/stop.ts";
import { getTask } from "../tasks/view.ts";
import { finished, iterationStarted, started, verdict } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { newRun, say } from "../testing/run.ts";
import type { TestRun } from "../testing/run.ts";
import { askQuestion } from "./ask.ts";
import { answerQuestion, withdrawQuestion } from "./close.ts";
import { listQuestions } from "./list.ts";
import { getQuestion } from "./questions.ts";

onEveryEngine("a running task waits for the answer and then goes on", async (database) => {
  await using store = await database.open();
  const run = await running(store);
  const question = await ask(store, run, { text: "Which\nport?" });
  assert.deepEqual(await state(store, run), ["waiting", "Asked: Which port?"]);

  const answered = await store.write((tx) => answerQuestion(tx, question.id, "7420"));
  assert.deepEqual([answered.status, answered.answer], ["answered", "7420"]);
  assert.ok(answered.closedAt !== null && answered.closedAt >= question.createdAt);
  assert.deepEqual(await state(store, run), ["running", null]);
});

onEveryEngine("a task goes on when the last of its questions is closed", async (database) => {
  await using store = await database.open();
  const run = await running(store);
  const asked = [await ask(store, run, { text: "One?" }), await ask(store, run, { text: "Two?" })];
  const [first, second] = asked.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  assert.deepEqual(await state(store, run), ["waiting", `Asked: ${first?.text}`]);
  await store.write((tx) => answerQuestion(tx, String(first?.id), "yes"));
  assert.deepEqual(await state(store, run), ["waiting", `Asked: ${second?.text}`]);
  await store.write((tx) => withdrawQuestion(tx, String(second?.id)));
  assert.deepEqual(await state(store, run), ["running", null]);
});

onEveryEngine("a run that says it goes on does not end the wait for an answer", async (database) => {
  await using store = await database.open();
  const run = await running(store);
  const { id } = await ask(store, run, { text: "Which?" });
  await say(store, run, verdict(1), iterationStarted(2));
  assert.deepEqual(await state(store, run), ["waiting", "Asked: Which?"]);
  await say(store, run, { type: "paused", at: 5 });
  await store.write((tx) => answerQuestion(tx, id, "this"));
  assert.equal((await state(store, run))[0], "paused");

  await ask(store, run, { text: "And now?" });
  assert.equal((await state(store, run))[0], "paused");
  await say(store, run, { type: "resumed", at: 6 });
  assert.deepEqual(await state(store, run), ["waiting", "Asked: And now?"]);
});

onEveryEngine("an answer does not end a usage limit, nor does its end answer the question", async (database) => {
  await using store = await database.open();
  const run = await running(store);
  const until = Date.now() + 3_600_000;
  await say(store, run, { type: "waiting", at: 4, kind: "usage-limit", until, reason: "limit reached" });
  const first = await ask(store, run, { text: "Which?" });
  assert.deepEqual(await state(store, run), ["waiting", "limit reached"]);
  await store.write((tx) => answerQuestion(tx, first.id, "this"));
  const task = await getTask(store.db, run.taskId);
  assert.deepEqual([task.status, task.reason, task.waitUntil], ["waiting", "limit reached", until]);

  await ask(store, run, { text: "And then?" });
  await say(store, run, iterationStarted(2));
  assert.deepEqual(await state(store, run), ["waiting", "Asked: And then?"]);
});

onEveryEngine(
  "open questions are withdrawn when the run ends, and an ended task is asked nothing",
  async (database) => {
    await using store = await database.open();
    const run = await running(store);
    const { id } = await ask(store, run, {});
    await say(store, run, finished({ outcome: "failed" }));
    assert.equal((await getQuestion(store.db, id)).status, "withdrawn");
    assert.equal((await state(store, run))[0], "failed");
    await assert.rejects(ask(store, run, {}), { code: "conflict" });
  },
);

onEveryEngine("a person may ask about a task that nobody works on yet", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  const { id } = await ask(store, run, { runId: null, text: "Sure?" });
  assert.equal((await state(store, run))[0], "starting");
  await say(store, run, started);
  assert.deepEqual(await state(store, run), ["waiting", "Asked: Sure?"]);
  await store.write((tx) => stopTask(tx, run.taskId, "enough"));
  await say(store, run, finished({ outcome: "cancelled" }));
  assert.equal((await getQuestion(store.db, id)).status, "withdrawn");
});

onEveryEngine("an answer is one of the choices where there are any", async (database) => {
  await using store = await database.open();
  const { id } = await ask(store, await running(store), { choices: ["red", "green"] });
  await assert.rejects(
    store.write((tx) => answerQuestion(tx, id, "Green")),
    { code: "invalid_request", message: /"red", "green"/ },
  );
  assert.equal((await store.write((tx) => answerQuestion(tx, id, "green"))).answer, "green");
});

onEveryEngine("a question is closed once", async (database) => {
  await using store = await database.open();
  const run = await running(store);
  for (const first of [answer, withdraw]) {
    const { id } = await ask(store, run, {});
    await first(store, id);
    for (const second of [answer, withdraw]) await assert.rejects(second(store, id), { code: "conflict" });
  }
});

onEveryEngine("a task has a bounded number of open questions", async (database) => {
  await using store = await database.open();
  const run = await running(store);
  for (let index = 0; index < 20; index += 1) await ask(store, run, {});
  await assert.rejects(ask(store, run, {}), { code: "conflict", message: /20 open questions/ });
});

onEveryEngine("a question is told of, and nobody need read of it once it is closed", async (database) => {
  await using store = await database.open();
  const run = await running(store);
  const told = async () => (await listNotifications(store.db, { unread: false, kind: null }, { limit: 10 })).items;
  const { id } = await ask(store, run, { text: "Which?", choices: ["a", "b"] });
  const [notification] = await told();
  assert.ok(notification !== undefined);
  assert.deepEqual([notification.kind, notification.status], ["question-asked", "unread"]);
  assert.equal(notification.body, "Which?\n- a\n- b");
  await answer(store, id, "a");
  assert.deepEqual(
    (await told()).map(({ status }) => status),
    ["read"],
  );

  // What a person has dismissed stays so.
  await store.write((tx) => moveNotification(tx, notification.id, "dismiss"));
  const other = await ask(store, run, {});
  const unread = (await told()).map((it) => it.id);
  await store.write((tx) => moveNotification(tx, String(unread[0]), "dismiss"));
  await withdraw(store, other.id);
  assert.deepEqual(await told(), []);
  const changes = await readChanges(store.db, 0, 500);
  const states = changes.filter(({ kind }) => kind === "question").map(({ data }) => data["status"]);
  assert.deepEqual(states, ["open", "answered", "open", "withdrawn"]);
});

onEveryEngine("questions are listed newest first, by contract and by whether they are open", async (database) => {
  await using store = await database.open();
  const [here, there] = [await running(store), await running(store)];
  const asked = [await ask(store, here, {}), await ask(store, here, {}), await ask(store, there, {})];
  const [first, second, third] = asked.map(({ id }) => id);
  await answer(store, String(first));
  const list = async (open: boolean, contractId: string | null) =>
    (await listQuestions(store.db, { open, contractId }, { limit: 10 })).items.map(({ id }) => id);
  const newest = (...ids: (string | undefined)[]) => ids.map(String).toSorted().toReversed();
  assert.deepEqual(await list(false, null), newest(first, second, third));
  assert.deepEqual(await list(true, null), newest(second, third));
  assert.deepEqual(await list(true, String(asked[0]?.contractId)), [second]);
});

async function running(store: Store): Promise<TestRun> {
  const run = await newRun(store);
  await say(store, run, started, iterationStarted(1));
  return run;
}

async function ask(store: Store, { taskId, runId }: TestRun, fields: Partial<Parameters<typeof askQuestion>[1]>) {
  return store.write((tx) => askQuestion(tx, { taskId, runId, text: "Which?", choices: [], ...fields }));
}

async function answer(store: Store, id: string, text = "yes") {
  return store.write((tx) => answerQuestion(tx, id, text));
}

async function withdraw(store: Store, id: string) {
  return store.write((tx) => withdrawQuestion(tx, id));
}

async function state(store: Store, { taskId }: TestRun): Promise<[string, string | null]> {
  const { status, reason } = await getTask(store.db, taskId);
  return [status, reason];
}
