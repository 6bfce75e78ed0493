import type { Parsed, Reply } from "../../protocol/api.ts";
import type { ROUTES, RouteName } from "../../protocol/routes.ts";
import type { Principal } from "../auth/keys.ts";
import { ownContract, requireOwn, requireOwnRun } from "../auth/scope.ts";
import { changesCursor } from "../changes/changes.ts";
import { getContract } from "../contracts/contracts.ts";
import { createContract } from "../contracts/create.ts";
import { listContracts, tasksOfContract } from "../contracts/list.ts";
import { listDaemons } from "../daemons/daemons.ts";
import type { Db, Write } from "../db/store.ts";
import { resolveId } from "../ids.ts";
import { listStreams } from "../runs/streams.ts";
import { taskDetail } from "../tasks/detail.ts";
import { listTasks } from "../tasks/list.ts";
import { resumeTask } from "../tasks/resume.ts";
import { countLiveTasks, stopAllTasks, stopTask } from "../tasks/stop.ts";

export interface ServerFacts {
  version: string;
  pid: number;
  startedAt: number;
}

export interface ReadContext {
  db: Db;
  principal: Principal;
  facts: ServerFacts;
}

export interface WriteContext {
  tx: Write;
}

type GetRoute = { [R in RouteName]: (typeof ROUTES)[R]["method"] extends "GET" ? R : never }[RouteName];

/** Routes that anybody may read. */
export type OpenRoute = { [R in RouteName]: (typeof ROUTES)[R]["auth"] extends false ? R : never }[RouteName];
export type ReadRoute = Exclude<GetRoute, OpenRoute>;
export type WriteRoute = Exclude<RouteName, GetRoute>;

/** A handler for every route of the table: the compiler refuses a missing one. */
export type OpenHandlers = { readonly [R in OpenRoute]: (db: Db) => Promise<Reply<R>> };
export type ReadHandlers = {
  readonly [R in ReadRoute]: (context: ReadContext, request: Parsed<R>) => Promise<Reply<R>>;
};
export type WriteHandlers = {
  readonly [R in WriteRoute]: (context: WriteContext, request: Parsed<R>) => Promise<Reply<R>>;
};

export const OPEN: OpenHandlers = {
  async health() {
    return { ok: true };
  },
  async ready(db) {
    await changesCursor(db);
    return { ok: true };
  },
};

export const READS: ReadHandlers = {
  async serverInfo({ db, facts }) {
    return { ...facts, liveTasks: await countLiveTasks(db) };
  },

  async listContracts({ db, principal }, { query }) {
    const { items, next } = await listContracts(db, ownContract(principal), query);
    return { contracts: items, next };
  },

  async getContract({ db, principal }, { params }) {
    const id = await resolveId(db, "contracts", params.id);
    requireOwn(principal, id);
    return { contract: await getContract(db, id), tasks: await tasksOfContract(db, id) };
  },

  async listTasks({ db, principal }, { query }) {
    const filter = { live: query.live === "true", contractId: ownContract(principal) };
    const { items, next } = await listTasks(db, filter, query);
    return { tasks: items, next };
  },

  async getTask({ db, principal }, { params }) {
    const detail = await taskDetail(db, await resolveId(db, "tasks", params.id));
    requireOwn(principal, detail.contract.id);
    return detail;
  },

  async listStreams({ db, principal }, { params }) {
    const id = await resolveId(db, "runs", params.id);
    await requireOwnRun(db, principal, id);
    return { streams: await listStreams(db, id) };
  },

  async listDaemons({ db }) {
    return { daemons: await listDaemons(db) };
  },
};

/** Each runs in one transaction. `cursor` in a reply is the feed's end before it: all that it changed comes after. */
export const WRITES: WriteHandlers = {
  async shutdown({ tx }, { body }) {
    const stopped = body.stopTasks ? await stopAllTasks(tx, "The server was told to stop") : 0;
    tx.wake(body.stopTasks ? SHUTDOWN_AFTER_TASKS_TOPIC : SHUTDOWN_TOPIC);
    return { stopped };
  },

  async createContract({ tx }, { body }) {
    const cursor = await changesCursor(tx.db);
    return { ...(await createContract(tx, body)), cursor };
  },

  async stopTask({ tx }, { params, body }) {
    const cursor = await changesCursor(tx.db);
    return { task: await stopTask(tx, await resolveId(tx.db, "tasks", params.id), body.reason), cursor };
  },

  async resumeTask({ tx }, { params, body }) {
    const cursor = await changesCursor(tx.db);
    return { task: await resumeTask(tx, await resolveId(tx.db, "tasks", params.id), body.limits), cursor };
  },
};

/** Wake-ups by which a request reaches the owner of the server's life. */
export const SHUTDOWN_TOPIC = "shutdown";
export const SHUTDOWN_AFTER_TASKS_TOPIC = "shutdown-after-tasks";
