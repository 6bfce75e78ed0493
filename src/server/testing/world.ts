import type { CreateContract } from "../../protocol/api.ts";
import type { RouteName } from "../../protocol/routes.ts";
import { encodeEvent } from "../../protocol/run-events.ts";
import { EVENTS } from "../../protocol/streams.ts";
import type { RunningServer, ServerOptions } from "../server.ts";
import type { Given } from "./ask.ts";
import { contract, opened, started } from "./data.ts";
import { call, launch, temporaryHome, until } from "./harness.ts";
import { FakeDaemon } from "./peers.ts";

/** A contract with a running task, and all that can be about one. */
export interface Side {
  server: RunningServer;
  contractId: string;
  taskId: string;
  runId: string;
  taskToken: string;
  questionId: string;
  notificationId: string;
}

export interface World extends AsyncDisposable {
  server: RunningServer;
  daemon: FakeDaemon;
  own: Side;
  foreign: Side;
  /** The task is its contract's supervisor. */
  supervised: Side;
}

/** A server with three contracts, each with a running task on one daemon, which has no room for more. */
export async function newWorld(options: Partial<ServerOptions> = {}): Promise<World> {
  await using resources = new AsyncDisposableStack();
  const home = resources.use(await temporaryHome());
  const server = resources.use(await launch(home.path, options));
  await leaveDaemon(server);
  const daemon = resources.use(await FakeDaemon.connect(server, { maxTasks: 2 }));
  const own = await newSide(server, daemon, contract);
  const foreign = await newSide(server, daemon, contract);
  const supervised = await newSide(server, daemon, { ...contract, supervisor: true });
  const owned = resources.move();
  return { server, daemon, own, foreign, supervised, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Id of a daemon that is offline. */
const GONE = "d0";

/**
 * How to call each route with ids of one side, so that it succeeds for a person; what the call would use up is made for
 * it. The compiler forces an entry for every route, and with it a place in the tests of scopes, foreign ids and replies.
 */
export const CALLS: Readonly<Record<RouteName, (side: Side) => Promise<Given>>> = {
  health: async () => ({}),
  ready: async () => ({}),
  metrics: async () => ({}),
  openapi: async () => ({}),
  serverInfo: async () => ({}),
  shutdown: async () => ({}),
  whoAmI: async () => ({}),

  createContract: async () => contract,
  openContract: async () => opened,
  listContracts: async () => ({}),
  getContract: async ({ contractId: id }) => ({ id }),
  contractStatus: async ({ contractId: id }) => ({ id }),
  changeGoals: async ({ contractId: id }) => ({ id, add: ["Be fast"] }),
  advancePhase: async (side) => ({ id: await openedContract(side), force: true }),
  setCompletionAction: async ({ contractId: id }) => ({ id, action: "branch" }),
  updateContract: async (side) => ({ id: (await spare(side)).contractId, name: "Another name" }),
  pauseContract: async (side) => ({ id: (await spare(side)).contractId }),
  resumeContract: async (side) => ({ id: await pausedContract(side) }),
  completeContract: async (side) => ({ id: await idleContract(side) }),
  deleteContract: async (side) => ({ id: (await spare(side)).contractId }),

  listFiles: async ({ contractId: id }) => ({ id }),
  createFile: async (side) => ({ id: side.contractId, name: newName(), content: "# Notes" }),
  getFile: async (side) => ({ id: side.contractId, name: await newFile(side) }),
  updateFile: async (side) => ({ id: side.contractId, name: await newFile(side), content: "# More notes" }),
  listReports: async ({ contractId: id }) => ({ id }),
  createReport: async ({ contractId: id }) => ({ id, text: "Half done" }),

  createTask: async ({ contractId: id }) => ({ id, name: "Another task", goal: "Do more" }),
  listTasks: async ({ contractId }) => ({ contract: contractId }),
  getTask: async ({ taskId: id }) => ({ id }),
  updateTask: async (side) => ({ id: (await spare(side)).taskId, name: "Another name" }),
  stopTask: async (side) => ({ id: (await spare(side)).taskId }),
  pauseTask: async ({ taskId: id }) => ({ id }),
  resumeTask: async (side) => ({ id: await stoppedTask(side) }),
  messageTask: async ({ taskId: id }) => ({ id, text: "Look at the tests" }),
  listCheckpoints: async ({ taskId: id }) => ({ id }),
  listRuns: async ({ taskId: id }) => ({ id }),

  listStreams: async ({ runId: id }) => ({ id }),
  readStream: async ({ runId: id }) => ({ id }),
  listChanges: async () => ({ limit: "500" }),

  startOperation: async ({ taskId: task }) => ({ kind: "GetDiff", task }),
  listOperations: async ({ contractId }) => ({ contract: contractId }),
  getOperation: async (side) => ({ id: await newOperation(side) }),

  listDaemons: async () => ({}),
  removeDaemon: async () => ({ id: GONE }),

  createKey: async () => ({ kind: "user", name: "A colleague" }),
  listKeys: async () => ({ all: "true" }),
  createLogin: async () => ({}),
  revokeKey: async ({ server }) => ({ id: (await call(server, "createKey", { kind: "user", name: "one" })).key.id }),

  askQuestion: async ({ taskId: id }) => ({ id, text: "Which one?", choices: ["this", "that"] }),
  listQuestions: async ({ contractId }) => ({ contract: contractId }),
  getQuestion: async ({ questionId: id }) => ({ id }),
  answerQuestion: async (side) => ({ id: await newQuestion(side), answer: "This one" }),
  withdrawQuestion: async (side) => ({ id: await newQuestion(side) }),

  listNotifications: async () => ({}),
  readNotification: async ({ notificationId: id }) => ({ id }),
  dismissNotification: async ({ notificationId: id }) => ({ id }),
  markNotifications: async () => ({ as: "read" }),
  listDeliveries: async ({ notificationId: id }) => ({ id }),
};

async function newSide(server: RunningServer, daemon: FakeDaemon, terms: CreateContract): Promise<Side> {
  const { contract: made, task } = await call(server, "createContract", terms);
  const { spec } = await daemon.spawned(daemon.spawns.length + 1);
  daemon.append({ run: spec.runId, fence: spec.fence, stream: EVENTS, offset: 0 }, encodeEvent(started));
  await until(async () => (await call(server, "getTask", { id: task.id })).task.status === "running");
  const side = { server, contractId: made.id, taskId: task.id, runId: spec.runId, taskToken: spec.taskToken };
  const questionId = await newQuestion(side);
  const { notifications } = await call(server, "listNotifications", {});
  const notificationId = notifications.find(({ taskId }) => taskId === task.id)?.id ?? "";
  return { ...side, questionId, notificationId };
}

type Base = Pick<Side, "server" | "taskId">;

async function newQuestion({ server, taskId }: Base): Promise<string> {
  return (await call(server, "askQuestion", { id: taskId, text: "Which one?" })).question.id;
}

let names = 0;

function newName(): string {
  names += 1;
  return `notes-${names}`;
}

async function newFile({ server, contractId: id }: Pick<Side, "server" | "contractId">): Promise<string> {
  return (await call(server, "createFile", { id, name: newName(), content: "# Notes" })).file.name;
}

async function newOperation({ server, taskId: task }: Base): Promise<string> {
  return (await call(server, "startOperation", { kind: "GetDiff", task })).operation.id;
}

async function openedContract({ server }: Base): Promise<string> {
  return (await call(server, "openContract", opened)).contract.id;
}

/** A contract with a task that is pending for want of room. */
async function spare({ server }: Base): Promise<{ contractId: string; taskId: string }> {
  const { contract: made, task } = await call(server, "createContract", contract);
  return { contractId: made.id, taskId: task.id };
}

async function stoppedTask(side: Base): Promise<string> {
  const { taskId: id } = await spare(side);
  await call(side.server, "stopTask", { id });
  return id;
}

async function idleContract(side: Base): Promise<string> {
  const { contractId, taskId } = await spare(side);
  await call(side.server, "stopTask", { id: taskId });
  return contractId;
}

async function pausedContract(side: Base): Promise<string> {
  const { contractId: id } = await spare(side);
  await call(side.server, "pauseContract", { id });
  return id;
}

/** A daemon that was there before there was anything to do, and is not any more. */
async function leaveDaemon(server: RunningServer): Promise<void> {
  {
    await using _ = await FakeDaemon.connect(server, { daemonId: GONE, instance: GONE });
  }
  await until(async () => (await call(server, "listDaemons", {})).daemons.every(({ online }) => !online));
}
