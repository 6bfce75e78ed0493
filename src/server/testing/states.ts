import type { TaskState } from "../../core/task-state.ts";
import { CreateContract } from "../../protocol/api.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import { createContract } from "../contracts/create.ts";
import type { Store } from "../db/store.ts";
import { pauseTask } from "../tasks/pause.ts";
import { contract, finished, started } from "./data.ts";
import { newRun, say } from "./run.ts";

export const waiting: RunEvent = { type: "waiting", at: 3, kind: "usage-limit", until: 99, reason: "usage limit" };
export const paused: RunEvent = { type: "paused", at: 3 };
export const resumed: RunEvent = { type: "resumed", at: 3 };

/** The id of a new task that is in a state in which its life could have brought it, the only one of its contract. */
export async function taskIn(store: Store, state: TaskState): Promise<string> {
  if (state === "pending") {
    const { task } = await store.write((tx) => createContract(tx, CreateContract.parse(contract)));
    return task.id;
  }
  const run = await newRun(store);
  if (state === "starting") return run.taskId;
  await say(store, run, started);
  if (state === "waiting") await say(store, run, waiting);
  else if (state === "paused") {
    await store.write((tx) => pauseTask(tx, run.taskId));
    await say(store, run, paused);
  } else if (state !== "running") await say(store, run, finished({ outcome: state }));
  return run.taskId;
}
