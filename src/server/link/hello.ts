import type { DaemonMessage, ServerMessage } from "../../protocol/link.ts";
import { LINK_VERSION } from "../../protocol/link.ts";
import type { Db } from "../db/store.ts";
import { proveLeases } from "../runs/lease.ts";
import { listStreams } from "../runs/streams.ts";

export type Hello = Extract<DaemonMessage, { type: "hello" }>;

/** Where the server stands with the runs that a daemon has: its welcome, and the runs that it must stop. */
export async function answerHello(db: Db, { daemonId, runs }: Hello): Promise<ServerMessage[]> {
  const leaseOf = await proveLeases(db, daemonId, runs);
  const held = runs.filter((run) => leaseOf(run) !== null);
  const acked = await Promise.all(held.map(async ({ runId }) => [runId, await ackedOffsets(db, runId)] as const));
  const lost = runs.filter((run) => leaseOf(run) === null);
  return [
    { type: "welcome", version: LINK_VERSION, acked: Object.fromEntries(acked) },
    ...lost.map(({ runId: run }): ServerMessage => ({ type: "fenced", run })),
  ];
}

async function ackedOffsets(db: Db, runId: string): Promise<Record<string, number>> {
  const streams = await listStreams(db, runId);
  return Object.fromEntries(streams.map(({ stream, size }) => [stream, size]));
}
