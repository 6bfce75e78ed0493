import { keyReads, keyWrites } from "../auth/handlers.ts";
import { changeReads } from "../changes/handlers.ts";
import { contractReads, contractWrites } from "../contracts/handlers.ts";
import { daemonReads, daemonWrites } from "../daemons/handlers.ts";
import { fileReads, fileWrites } from "../files/handlers.ts";
import { metricsRaw } from "../metrics/handlers.ts";
import { notificationReads, notificationWrites } from "../notifications/handlers.ts";
import { operationReads, operationWrites } from "../operations/handlers.ts";
import { questionReads, questionWrites } from "../questions/handlers.ts";
import { reportReads, reportWrites } from "../reports/handlers.ts";
import { runRaw, runReads } from "../runs/handlers.ts";
import { taskReads, taskWrites } from "../tasks/handlers.ts";
import type { OpenHandlers, RawHandlers, ReadHandlers, WriteHandlers } from "./context.ts";
import { serverReads, serverWrites } from "./server-handlers.ts";

export const OPEN: OpenHandlers = {
  async health() {
    return { ok: true };
  },
};

export const READS: ReadHandlers = {
  ...serverReads,
  ...contractReads,
  ...taskReads,
  ...runReads,
  ...changeReads,
  ...daemonReads,
  ...keyReads,
  ...questionReads,
  ...notificationReads,
  ...fileReads,
  ...reportReads,
  ...operationReads,
};

/** Each runs in one transaction. `cursor` in a reply is the feed's end before it: all that it changed comes after. */
export const WRITES: WriteHandlers = {
  ...serverWrites,
  ...contractWrites,
  ...taskWrites,
  ...daemonWrites,
  ...keyWrites,
  ...questionWrites,
  ...notificationWrites,
  ...fileWrites,
  ...reportWrites,
  ...operationWrites,
};

export const RAW: RawHandlers = { ...metricsRaw, ...runRaw };
