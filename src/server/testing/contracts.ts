import type { TaskState } from "../../core/task-state.ts";
import { CreateContract, CreateTask, OpenContract } from "../../protocol/api.ts";
import type { Contract, Task } from "../../protocol/api.ts";
import { createContract, openContract } from "../contracts/create.ts";
import type { Store } from "../db/store.ts";
import { createTask } from "../tasks/create.ts";
import { contract, finished, opened, started } from "./data.ts";
import { connect, nextRun, say } from "./run.ts";

/** A contract that its first task works on, or with `supervisor` drives. */
export async function newContract(
  store: Store,
  terms: Partial<CreateContract> = {},
): Promise<{ contract: Contract; task: Task }> {
  return store.write((tx) => createContract(tx, CreateContract.parse({ ...contract, ...terms })));
}

/** A contract that a person drives. */
export async function newOpened(store: Store, terms: Partial<OpenContract> = {}): Promise<Contract> {
  return store.write((tx) => openContract(tx, OpenContract.parse({ ...opened, ...terms })));
}

/** A further task of a contract, and its run as far as the state is from its beginning. Gives its id. */
export async function addWorker(
  store: Store,
  contractId: string,
  state: Extract<TaskState, "pending" | "running" | "completed" | "failed" | "cancelled">,
  name = "Further",
): Promise<string> {
  const { id } = await store.write((tx) => createTask(tx, contractId, CreateTask.parse({ name, goal: "Go on" })));
  if (state === "pending") return id;
  await connect(store);
  const run = await nextRun(store, id);
  await say(store, run, started);
  if (state !== "running") await say(store, run, finished({ outcome: state, reason: `It is ${state}` }));
  return id;
}
