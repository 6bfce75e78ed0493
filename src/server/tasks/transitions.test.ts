import assert from "node:assert/strict";
import { MakimaError } from "../../core/errors.ts";
import type { TaskState } from "../../core/task-state.ts";
import type { Task } from "../../protocol/api.ts";
import { changesCursor } from "../changes/changes.ts";
import { openCommands } from "../commands/commands.ts";
import type { Store, Write } from "../db/store.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { DAEMON, say } from "../testing/run.ts";
import { paused, resumed, taskIn, waiting } from "../testing/states.ts";
import { messageTask } from "./message.ts";
import { pauseTask } from "./pause.ts";
import { requeueTask } from "./requeue.ts";
import { resumeTask } from "./resume.ts";
import { stopTask } from "./stop.ts";
import { updateTask } from "./update.ts";
import { getTask } from "./view.ts";

const COMMANDS = {
  pause: pauseTask,
  resume: (tx, id) => resumeTask(tx, id, {}),
  message: (tx, id) => messageTask(tx, id, "mind the tests"),
  stop: (tx, id) => stopTask(tx, id, "enough"),
  rename: (tx, id) => updateTask(tx, id, null, { name: "another name" }),
  relabel: (tx, id) => updateTask(tx, id, null, { labels: { gpu: "yes" } }),
  requeue: (tx, id) => requeueTask(tx, id, "its daemon is lost"),
} satisfies Record<string, (tx: Write, id: string) => Promise<Task>>;

type Name = keyof typeof COMMANDS;

/** The state that it leads to at once, the command that the daemon is given, or why nothing happens. */
type Outcome = TaskState | "PauseTask" | "ResumeTask" | "MessageTask" | "InterruptTask" | "nothing" | "conflict";

const LIVE: Pick<Record<Name, Outcome>, "message" | "stop" | "rename" | "relabel" | "requeue"> = {
  message: "MessageTask",
  stop: "InterruptTask",
  rename: "nothing",
  relabel: "conflict",
  requeue: "pending",
};
const ENDED: Record<Name, Outcome> = {
  pause: "conflict",
  resume: "pending",
  message: "conflict",
  stop: "conflict",
  rename: "nothing",
  relabel: "conflict",
  requeue: "conflict",
};

const TABLE: Readonly<Record<TaskState, Record<Name, Outcome>>> = {
  pending: { ...ENDED, resume: "conflict", message: "nothing", stop: "cancelled", relabel: "nothing" },
  starting: { ...LIVE, pause: "conflict", resume: "conflict" },
  running: { ...LIVE, pause: "PauseTask", resume: "conflict" },
  waiting: { ...LIVE, pause: "PauseTask", resume: "conflict" },
  paused: { ...LIVE, pause: "nothing", resume: "ResumeTask" },
  completed: { ...ENDED, resume: "conflict" },
  failed: ENDED,
  cancelled: ENDED,
};

onEveryEngine("every command in every state: what it changes, what the daemon is told, what is refused", async (db) => {
  await using store = await db.open();
  for (const state of Object.keys(TABLE) as TaskState[]) {
    for (const name of Object.keys(COMMANDS) as Name[]) {
      assert.equal(await outcomeOf(store, state, name), TABLE[state][name], `${name} while ${state}`);
    }
  }
});

async function outcomeOf(store: Store, state: TaskState, name: Name): Promise<Outcome> {
  const id = await taskIn(store, state);
  const before = await getTask(store.db, id);
  assert.equal(before.status, state);
  const told = (await openCommands(store.db, DAEMON, 0)).length;
  const cursor = await changesCursor(store.db);
  try {
    await store.write((tx) => COMMANDS[name](tx, id));
  } catch (error) {
    assert.ok(error instanceof MakimaError);
    assert.deepEqual(await getTask(store.db, id), before, "what is refused changes nothing");
    assert.equal(await changesCursor(store.db), cursor);
    return error.code === "conflict" ? "conflict" : assert.fail(error);
  }
  const after = await getTask(store.db, id);
  if (after.status !== state) {
    assert.ok(after.version > before.version);
    assert.ok((await changesCursor(store.db)) > cursor);
    return after.status;
  }
  const commands = (await openCommands(store.db, DAEMON, 0)).slice(told);
  assert.ok(commands.length <= 1);
  return (commands[0]?.command.kind as Outcome | undefined) ?? "nothing";
}

onEveryEngine("to pause or resume again gives no second command while the first is on its way", async (database) => {
  await using store = await database.open();
  const id = await taskIn(store, "waiting");
  const { runId } = await getTask(store.db, id);
  assert.ok(runId !== null);
  const run = { taskId: id, runId, fence: 1 };
  const kinds = async () => (await openCommands(store.db, DAEMON, 0)).map(({ command }) => command.kind);

  for (let times = 0; times < 2; times += 1) await store.write((tx) => pauseTask(tx, id));
  assert.deepEqual(await kinds(), ["SpawnTask", "PauseTask"]);
  await say(store, run, paused);
  await store.write((tx) => pauseTask(tx, id));
  assert.deepEqual((await getTask(store.db, id)).status, "paused");

  for (let times = 0; times < 2; times += 1) await store.write((tx) => resumeTask(tx, id, {}));
  assert.deepEqual(await kinds(), ["SpawnTask", "PauseTask", "ResumeTask"]);
  await store.write((tx) => pauseTask(tx, id));
  assert.deepEqual(await kinds(), ["SpawnTask", "PauseTask", "ResumeTask", "PauseTask"]);
  // A pause that has not come about yet is taken back like any other.
  await say(store, run, resumed, waiting);
  await store.write((tx) => resumeTask(tx, id, {}));
  assert.deepEqual((await kinds()).slice(-1), ["ResumeTask"]);
  await say(store, run, paused, resumed);
  assert.equal((await getTask(store.db, id)).status, "running");
});

onEveryEngine("a paused task keeps its limits: other ones are for a new run", async (database) => {
  await using store = await database.open();
  const id = await taskIn(store, "paused");
  await assert.rejects(
    store.write((tx) => resumeTask(tx, id, { maxIterations: 3 })),
    { code: "conflict" },
  );
});
