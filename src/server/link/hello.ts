import type { DaemonMessage, ServerMessage } from "../../protocol/link.ts";
import { LINK_VERSION } from "../../protocol/link.ts";
import type { Db } from "../db/store.ts";
import { proveLease } from "../runs/lease.ts";
import { listStreams } from "../runs/streams.ts";

export type Hello = Extract<DaemonMessage, { type: "hello" }>;

/** Where the server stands with the runs that a daemon has: its welcome, and the runs that it must stop. */
export async function answerHello(db: Db, { daemonId, runs }: Hello): Promise<ServerMessage[]> {
  const acked: Record<string, Record<string, number>> = {};
  const fenced: ServerMessage[] = [];
  for (const { runId, fence } of runs) {
    if ((await proveLease(db, daemonId, runId, fence)) === null) fenced.push({ type: "fenced", run: runId });
    else acked[runId] = await ackedOffsets(db, runId);
  }
  return [{ type: "welcome", version: LINK_VERSION, acked }, ...fenced];
}

async function ackedOffsets(db: Db, runId: string): Promise<Record<string, number>> {
  const streams = await listStreams(db, runId);
  return Object.fromEntries(streams.map(({ stream, size }) => [stream, size]));
}
