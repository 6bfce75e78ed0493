import { CreateContract, CreateTask } from "../../protocol/api.ts";
import type { Task } from "../../protocol/api.ts";
import { encodeEvent } from "../../protocol/run-events.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import { EVENTS } from "../../protocol/streams.ts";
import { createContract } from "../contracts/create.ts";
import { takeIdentity } from "../daemons/identity.ts";
import type { Introduction } from "../daemons/identity.ts";
import type { Store } from "../db/store.ts";
import { spawnRun } from "../dispatch/spawn.ts";
import { ingest } from "../runs/ingest.ts";
import type { Receipt } from "../runs/ingest.ts";
import { readStream } from "../runs/streams.ts";
import { createTask } from "../tasks/create.ts";
import { getTask } from "../tasks/view.ts";
import { silent } from "./basics.ts";
import { contract, finished, iterationStarted, started } from "./data.ts";

export interface TestRun {
  taskId: string;
  runId: string;
  fence: number;
  /** DAEMON, if it does not say so. */
  daemonId?: string;
}

export interface SupervisorRun extends TestRun {
  contractId: string;
}

export const DAEMON = "d1";

/** The connection that speaks for it. */
export const HOLDER = { daemonId: DAEMON, linkId: "l1" };

const INTRODUCTION = { id: DAEMON, instance: "i1", name: DAEMON, host: "box", maxTasks: 100, labels: {} };

/** A task that has been given to the daemon. */
export async function newRun(store: Store): Promise<TestRun> {
  const { task } = await store.write((tx) => createContract(tx, CreateContract.parse(contract)));
  await connect(store);
  return nextRun(store, task.id);
}

/** A contract's supervisor at work, and the contract. */
export async function newSupervisor(store: Store, terms: Partial<CreateContract> = {}): Promise<SupervisorRun> {
  const input = CreateContract.parse({ ...contract, ...terms, supervisor: true });
  const { task } = await store.write((tx) => createContract(tx, input));
  await connect(store);
  const run = await nextRun(store, task.id);
  await say(store, run, started, iterationStarted(1));
  return { ...run, contractId: task.contractId };
}

/** A further task of a contract. */
export async function addTask(store: Store, contractId: string, input: Partial<CreateTask> = {}): Promise<Task> {
  const whole = CreateTask.parse({ name: "Next", goal: "Do the next thing", ...input });
  return store.write((tx) => createTask(tx, contractId, whole));
}

/** The task is given to the daemon and ends at once. */
export async function work(store: Store, taskId: string, outcome: "completed" | "failed"): Promise<TestRun> {
  const run = await nextRun(store, taskId);
  await say(store, run, started, iterationStarted(1), finished({ outcome }));
  return run;
}

/** Puts the daemon online, or another one. */
export async function connect(store: Store, introduction: Partial<Introduction> = {}): Promise<void> {
  await store.write((tx) =>
    takeIdentity(tx, { ...INTRODUCTION, ...introduction }, { linkId: HOLDER.linkId, keyId: "k" }),
  );
}

/** The next run of a pending task. */
export async function nextRun(store: Store, taskId: string): Promise<TestRun> {
  await store.write((tx) => spawnRun(tx, taskId, DAEMON));
  const { runId } = await getTask(store.db, taskId);
  if (runId === null) throw new Error("no run");
  const run = await store.db.selectFrom("runs").select("fence").where("id", "=", runId).executeTakeFirstOrThrow();
  return { taskId, runId, fence: run.fence };
}

/** Appends as the run's daemon, in one transaction. */
export async function append(
  store: Store,
  { runId, fence, daemonId = DAEMON }: TestRun,
  pieces: readonly { stream: string; offset: number; data: Uint8Array }[],
): Promise<Receipt[]> {
  const appends = pieces.map(({ data, ...where }) => ({ header: { run: runId, fence, ...where }, data }));
  const receipts = await store.write((tx) => ingest(tx, { ...HOLDER, daemonId }, appends, silent));
  if (receipts === null) throw new Error("the connection does not hold the daemon's identity");
  return receipts;
}

/** Appends events behind those that are there. */
export async function say(store: Store, run: TestRun, ...events: RunEvent[]): Promise<Receipt[]> {
  const { length: offset } = await readAll(store, run.runId, EVENTS);
  return append(store, run, [{ stream: EVENTS, offset, data: Buffer.from(events.map(encodeEvent).join("")) }]);
}

/** A stream from its beginning to its present end. */
export async function readAll(store: Store, runId: string, stream: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let offset = 0;
  for (;;) {
    const { data } = await readStream(store.db, runId, stream, offset);
    if (data.length === 0) return Buffer.concat(pieces);
    pieces.push(data);
    offset += data.length;
  }
}
