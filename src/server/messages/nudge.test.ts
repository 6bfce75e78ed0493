import assert from "node:assert/strict";
import { WAITS_FOR_TASKS } from "../../core/supervision.ts";
import { openCommands } from "../commands/commands.ts";
import { pauseContract, resumeContract } from "../contracts/transitions.ts";
import { toJson } from "../db/json.ts";
import type { Store } from "../db/store.ts";
import { askQuestion } from "../questions/ask.ts";
import { answerQuestion, withdrawQuestion } from "../questions/close.ts";
import { getTask } from "../tasks/view.ts";
import { asleep, finished, heard, iterationStarted, started, verdict } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { addTask, DAEMON, newSupervisor, nextRun, say, work } from "../testing/run.ts";
import type { SupervisorRun, TestRun } from "../testing/run.ts";
import { paused, resumed } from "../testing/states.ts";
import { nudgeIdle } from "./nudge.ts";

const wait = verdict(1, { verdict: "wait", reason: WAITS_FOR_TASKS });

/** Kinds of what the daemon was told to tell the run, and the last text. */
async function told(store: Store, { runId }: TestRun): Promise<{ kinds: string[]; last: string }> {
  const commands = await openCommands(store.db, DAEMON, 0);
  const messages = commands.flatMap(({ command }) =>
    command.kind === "MessageTask" && command.runId === runId ? [command.message] : [],
  );
  return { kinds: messages.map(({ kind }) => kind), last: messages.at(-1)?.text ?? "" };
}

async function sleep(store: Store, run: TestRun): Promise<void> {
  await say(store, run, wait, asleep);
}

/** Its next prompt holds all that it was told. */
async function wake(store: Store, run: TestRun): Promise<void> {
  const messages = await store.db
    .selectFrom("messages")
    .select(["id", "kind", "text"])
    .where("run_id", "=", run.runId)
    .where("heard_at", "is", null)
    .execute();
  await say(store, run, ...messages.map((message) => heard(2, message)), iterationStarted(2));
}

async function state(store: Store, { taskId }: TestRun): Promise<[string, string | null, number]> {
  const { status, reason } = await getTask(store.db, taskId);
  const { idle } = await store.db.selectFrom("tasks").select("idle").where("id", "=", taskId).executeTakeFirstOrThrow();
  return [status, reason, idle];
}

async function ask(store: Store, { taskId, runId }: { taskId: string; runId: string | null }) {
  return store.write((tx) => askQuestion(tx, { taskId, runId, text: "Which port?", choices: [] }));
}

async function sleepingSupervisor(store: Store): Promise<{ supervisor: SupervisorRun; worker: TestRun }> {
  const supervisor = await newSupervisor(store);
  const { id } = await addTask(store, supervisor.contractId);
  const worker = await nextRun(store, id);
  await say(store, worker, started, iterationStarted(1));
  await sleep(store, supervisor);
  return { supervisor, worker };
}

onEveryEngine("a supervisor sleeps while a task is at work, and hears when that has ended", async (database) => {
  await using store = await database.open();
  const { supervisor, worker } = await sleepingSupervisor(store);
  assert.deepEqual(await state(store, supervisor), ["waiting", WAITS_FOR_TASKS, 1]);
  assert.deepEqual((await told(store, supervisor)).kinds, []);
  const reason = `${WAITS_FOR_TASKS}: the parser is at work`;
  await say(store, supervisor, { ...asleep, reason });
  assert.deepEqual(await state(store, supervisor), ["waiting", reason, 1]);
  await say(store, worker, finished());
  assert.deepEqual((await told(store, supervisor)).kinds, ["event"]);
  await wake(store, supervisor);
  assert.deepEqual(await state(store, supervisor), ["running", null, 0]);
});

onEveryEngine("one that sleeps though nothing is left to wait for is nudged, once each time", async (database) => {
  await using store = await database.open();
  const supervisor = await newSupervisor(store);
  await sleep(store, supervisor);
  const { kinds, last } = await told(store, supervisor);
  assert.deepEqual(kinds, ["nudge"]);
  assert.match(last, /^No task of the contract is at work/);
  await store.write((tx) => nudgeIdle(tx, supervisor.contractId));
  assert.deepEqual((await told(store, supervisor)).kinds, ["nudge"]);
  await wake(store, supervisor);
  await store.write((tx) => nudgeIdle(tx, supervisor.contractId));
  await sleep(store, supervisor);
  assert.deepEqual((await told(store, supervisor)).kinds, ["nudge", "nudge"]);
});

onEveryEngine("a task that can never start is nothing to wait for", async (database) => {
  await using store = await database.open();
  const supervisor = await newSupervisor(store);
  const first = await addTask(store, supervisor.contractId);
  await addTask(store, supervisor.contractId, { after: [first.id] });
  await sleep(store, supervisor);
  assert.deepEqual((await told(store, supervisor)).kinds, []);
  await work(store, first.id, "failed");
  await wake(store, supervisor);
  await sleep(store, supervisor);
  assert.deepEqual((await told(store, supervisor)).kinds, ["event", "nudge"]);
});

onEveryEngine("a merge that is under way is something to wait for", async (database) => {
  await using store = await database.open();
  const supervisor = await newSupervisor(store);
  const { contractId } = supervisor;
  const kind = "CreatePullRequest";
  const about = { contract_id: contractId, daemon_id: DAEMON, queue: contractId };
  const order = {
    kind,
    repository: "/srv/repository",
    branch: "b",
    into: null,
    title: "t",
    body: "",
    draft: false,
  } as const;
  const row = { id: "o1", seq: 1, kind, status: "running", origin: "queue", created_at: 1, ...about } as const;
  await store.db
    .insertInto("operations")
    .values({ ...row, order: toJson(order) })
    .execute();
  await sleep(store, supervisor);
  assert.deepEqual((await told(store, supervisor)).kinds, []);
  await store.db.updateTable("operations").set({ ended_at: 2 }).execute();
  await store.write((tx) => nudgeIdle(tx, contractId));
  assert.deepEqual((await told(store, supervisor)).kinds, ["nudge"]);
});

onEveryEngine("a worker's question is told to the supervisor, its answer to the worker", async (database) => {
  await using store = await database.open();
  const { supervisor, worker } = await sleepingSupervisor(store);
  const { id } = await ask(store, worker);
  assert.match((await told(store, supervisor)).last, /asks a person: "Which port\?"/);
  await store.write((tx) => answerQuestion(tx, id, "7420"));
  const { kinds, last } = await told(store, worker);
  assert.deepEqual([kinds, last], [["event"], 'To your question "Which port?" a person answers: 7420']);
  assert.deepEqual((await told(store, supervisor)).kinds, ["event"]);
  assert.equal((await state(store, worker))[0], "running");
});

onEveryEngine("what nobody's agent has asked is nobody's to hear", async (database) => {
  await using store = await database.open();
  const { supervisor, worker } = await sleepingSupervisor(store);
  const { id } = await ask(store, { ...worker, runId: null });
  await store.write((tx) => answerQuestion(tx, id, "7420"));
  assert.deepEqual((await told(store, supervisor)).kinds, []);
  assert.deepEqual((await told(store, worker)).kinds, []);
});

onEveryEngine("one that sleeps shows what it has asked, and an answer wakes it, not just its row", async (database) => {
  await using store = await database.open();
  const supervisor = await newSupervisor(store);
  const { id } = await ask(store, supervisor);
  assert.deepEqual(await state(store, supervisor), ["waiting", "Asked: Which port?", 0]);
  // The command that waits for the answer was given up.
  await sleep(store, supervisor);
  assert.deepEqual(await state(store, supervisor), ["waiting", "Asked: Which port?", 1]);
  assert.deepEqual((await told(store, supervisor)).kinds, []);
  await store.write((tx) => answerQuestion(tx, id, "7420"));
  assert.deepEqual(await state(store, supervisor), ["waiting", WAITS_FOR_TASKS, 1]);
  assert.deepEqual((await told(store, supervisor)).kinds, ["event"]);
  await wake(store, supervisor);
  assert.deepEqual(await state(store, supervisor), ["running", null, 0]);

  const other = await ask(store, supervisor);
  await sleep(store, supervisor);
  await store.write((tx) => withdrawQuestion(tx, other.id));
  assert.deepEqual((await told(store, supervisor)).kinds, ["event", "nudge"]);
});

onEveryEngine("a pause ends the sleep; one that is taken back before it came about does not", async (database) => {
  await using store = await database.open();
  const { supervisor, worker } = await sleepingSupervisor(store);
  await store.write((tx) => pauseContract(tx, supervisor.contractId));
  await say(store, supervisor, paused);
  assert.deepEqual(await state(store, supervisor), ["paused", "Its contract is paused", 0]);
  await store.write((tx) => resumeContract(tx, supervisor.contractId));
  await say(store, supervisor, resumed);
  await say(store, worker, finished({ outcome: "failed" }));
  await wake(store, supervisor);

  await store.write((tx) => pauseContract(tx, supervisor.contractId));
  await sleep(store, supervisor);
  assert.deepEqual((await told(store, supervisor)).kinds, ["event"]);
  await store.write((tx) => resumeContract(tx, supervisor.contractId));
  assert.deepEqual((await told(store, supervisor)).kinds, ["event", "nudge"]);
});
