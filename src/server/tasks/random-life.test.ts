import fc from "fast-check";
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { MakimaError } from "../../core/errors.ts";
import { CreateContract, CreateTask } from "../../protocol/api.ts";
import { completeContract } from "../contracts/completion.ts";
import { createContract } from "../contracts/create.ts";
import { deleteContract, pauseContract, resumeContract } from "../contracts/transitions.ts";
import type { Store, Write } from "../db/store.ts";
import { readHeads } from "../dispatch/heads.ts";
import { askQuestion } from "../questions/ask.ts";
import { answerQuestion, withdrawQuestion } from "../questions/close.ts";
import { asleep, contract, finished, heard, iterationStarted, started, verdict } from "../testing/data.ts";
import { postgresDatabase, sqliteDatabase } from "../testing/engines.ts";
import { brokenFeed, brokenRules } from "../testing/rules.ts";
import { connect, nextRun, say } from "../testing/run.ts";
import type { TestRun } from "../testing/run.ts";
import { paused, resumed, waiting } from "../testing/states.ts";
import { createTask } from "./create.ts";
import { messageTask } from "./message.ts";
import { pauseTask } from "./pause.ts";
import { requeueTask } from "./requeue.ts";
import { resumeTask } from "./resume.ts";
import { stopTask } from "./stop.ts";
import { updateTask } from "./update.ts";

const COMMANDS = {
  pause: pauseTask,
  resume: (tx, id) => resumeTask(tx, id, {}),
  stop: (tx, id) => stopTask(tx, id, "enough"),
  "go further": (tx, id) => resumeTask(tx, id, {}, "and the tests"),
  message: (tx, id) => messageTask(tx, id, "hello"),
  ask: async (tx, id) => askQuestion(tx, { taskId: id, runId: await runIdOf(tx, id), text: "Which?", choices: [] }),
  requeue: (tx, id) => requeueTask(tx, id, "lost"),
} satisfies Record<string, (tx: Parameters<typeof pauseTask>[0], id: string) => Promise<unknown>>;

const CONTRACT_COMMANDS = {
  pause: pauseContract,
  resume: resumeContract,
  complete: completeContract,
  delete: deleteContract,
};

const EVENTS = {
  started,
  iteration: iterationStarted(1),
  verdict: verdict(1, { costUsd: 0 }),
  waiting,
  asleep,
  paused,
  resumed,
  completed: finished(),
  failed: finished({ outcome: "failed" }),
  cancelled: finished({ outcome: "cancelled" }),
};

const which = fc.nat();
const after = fc.array(fc.nat(), { maxLength: 3 });

function keysOf<T extends object>(table: T): fc.Arbitrary<keyof T> {
  return fc.constantFrom(...(Object.keys(table) as (keyof T)[]));
}

function step<K extends string, F extends object>(
  weight: number,
  kind: K,
  fields: { [N in keyof F]: fc.Arbitrary<F[N]> },
) {
  return { weight, arbitrary: fc.record(fields).map((values) => ({ kind, ...values })) };
}

/** Anything, in any order, about any task, run or contract, whether it makes sense or not. */
const anyStep = fc.oneof(
  step(2, "contract", { supervisor: fc.boolean() }),
  step(6, "task", { which, after }),
  step(2, "update", { which, after, labels: fc.constantFrom({}, { gpu: "yes" }) }),
  step(6, "command", { which, name: keysOf(COMMANDS) }),
  step(1, "on contract", { which, name: keysOf(CONTRACT_COMMANDS) }),
  step(2, "close", { which, answered: fc.boolean() }),
  step(8, "spawn", { which }),
  step(12, "event", { which, live: fc.constantFrom(true, true, false), name: keysOf(EVENTS) }),
  step(3, "hear", { which }),
);

type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

suite("whatever people, daemons and dispatchers do, one after the other", () => {
  for (const [engine, create, numRuns] of [
    ["SQLite", sqliteDatabase, 12],
    ["PostgreSQL", postgresDatabase, 2],
  ] as const) {
    test(`the rules hold after each step (${engine})`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anyStep, { minLength: 20, maxLength: 60, size: "max" }), async (steps) => {
          await using database = await create();
          await using store = await database.open();
          await connect(store);
          await take(store, { kind: "contract", supervisor: true });
          for (const taken of steps) {
            await take(store, taken);
            assert.deepEqual(await brokenRules(store), [], JSON.stringify(taken));
          }
          assert.deepEqual(await brokenFeed(store), []);
        }),
        { numRuns },
      );
    });
  }
});

/** What is refused is refused in words. */
async function take(store: Store, taken: Step): Promise<void> {
  try {
    await carryOut(store, taken);
  } catch (error) {
    assert.ok(error instanceof MakimaError && ["conflict", "invalid_request"].includes(error.code), String(error));
  }
}

async function carryOut(store: Store, taken: Step): Promise<unknown> {
  switch (taken.kind) {
    case "contract":
      return store.write((tx) =>
        createContract(tx, CreateContract.parse({ ...contract, supervisor: taken.supervisor })),
      );
    case "task": {
      const contractId = pick(await contractIds(store), taken.which);
      const siblings = await taskIds(store, contractId);
      const waitsFor = taken.after.map((each) => pick(siblings, each));
      const input = CreateTask.parse({ name: "Task", goal: "Go on", after: waitsFor });
      return store.write((tx) => createTask(tx, contractId, input));
    }
    case "update": {
      const tasks = await taskIds(store);
      const change = { after: taken.after.map((each) => pick(tasks, each)), labels: taken.labels };
      return store.write((tx) => updateTask(tx, pick(tasks, taken.which), null, change));
    }
    case "command": {
      const id = pick(await taskIds(store), taken.which);
      return store.write<unknown>((tx) => COMMANDS[taken.name](tx, id));
    }
    case "on contract": {
      const id = pick(await contractIds(store), taken.which);
      return store.write((tx) => CONTRACT_COMMANDS[taken.name](tx, id));
    }
    case "close": {
      const open = await store.db.selectFrom("questions").select("id").where("status", "=", "open").execute();
      if (open.length === 0) return null;
      const { id } = pick(open, taken.which);
      return store.write((tx) => (taken.answered ? answerQuestion(tx, id, "this") : withdrawQuestion(tx, id)));
    }
    case "spawn": {
      const heads = await readHeads(store.db);
      return heads.length === 0 ? null : nextRun(store, pick(heads, taken.which).taskId);
    }
    case "event": {
      const runs = await runsOf(store, taken.live);
      return runs.length === 0 ? null : say(store, pick(runs, taken.which), EVENTS[taken.name]);
    }
    case "hear": {
      const runs = await runsOf(store, true);
      return runs.length === 0 ? null : hearAll(store, pick(runs, taken.which));
    }
  }
}

/** The run's next prompt holds all that it was given to hear. */
async function hearAll(store: Store, run: TestRun): Promise<void> {
  const messages = await store.db
    .selectFrom("messages")
    .select(["id", "kind", "text"])
    .where("run_id", "=", run.runId)
    .where("heard_at", "is", null)
    .execute();
  await say(store, run, ...messages.map((message) => heard(1, message)), iterationStarted(1));
}

async function runIdOf({ db }: Write, taskId: string): Promise<string | null> {
  const { run_id } = await db.selectFrom("tasks").select("run_id").where("id", "=", taskId).executeTakeFirstOrThrow();
  return run_id;
}

async function contractIds({ db }: Store): Promise<string[]> {
  const rows = await db.selectFrom("contracts").select("id").orderBy("id").execute();
  return rows.map(({ id }) => id);
}

async function taskIds({ db }: Store, contractId?: string): Promise<string[]> {
  const rows = await db.selectFrom("tasks").select(["id", "contract_id"]).orderBy("id").execute();
  return rows.flatMap((row) => (contractId === undefined || row.contract_id === contractId ? [row.id] : []));
}

async function runsOf({ db }: Store, live: boolean): Promise<TestRun[]> {
  const columns = ["id as runId", "task_id as taskId", "fence", "ended_at"] as const;
  const rows = await db.selectFrom("runs").select(columns).orderBy("id").execute();
  return rows.filter(({ ended_at }) => !live || ended_at === null);
}

function pick<T>(items: readonly T[], place: number): T {
  const item = items[place % items.length];
  assert.ok(item !== undefined);
  return item;
}
