import type { DaemonMessage, ServerMessage } from "../../protocol/link.ts";
import { LINK_VERSION } from "../../protocol/link.ts";
import type { Holder, Introduction } from "../daemons/identity.ts";
import type { Db } from "../db/store.ts";
import { isId } from "../ids.ts";
import { proveLeases } from "../runs/lease.ts";
import { slices } from "../slices.ts";

export type Hello = Extract<DaemonMessage, { type: "hello" }>;

export function introductionOf({ daemonId: id, instance, name, host, maxTasks, labels }: Hello): Introduction {
  return { id, instance, name, host, maxTasks, labels };
}

/** Checkouts that are looked at: a machine holds hundreds, and who claims more gets no more answered. */
const MOST_CHECKOUTS = 10_000;

/** Tasks that a daemon says it has checkouts of; what is no id was made by nobody's server, and is left alone. */
export function checkoutsOf({ worktrees }: Hello): string[] {
  return [...new Set(worktrees.slice(0, MOST_CHECKOUTS).filter(isId))];
}

/**
 * Where the server stands with the runs and checkouts that a daemon has: its welcome, and the runs that it must stop.
 * null where the connection has lost the daemon's identity again.
 */
export async function answerHello(db: Db, holder: Holder, hello: Hello): Promise<ServerMessage[] | null> {
  const { runs } = hello;
  const leaseOf = await proveLeases(db, holder, runs);
  if (leaseOf === null) return null;
  const held = runs.filter((run) => leaseOf(run) !== null).map(({ runId }) => runId);
  const lost = runs.filter((run) => leaseOf(run) === null);
  return [
    { type: "welcome", version: LINK_VERSION, acked: await ackedOffsets(db, held), orphans: await orphans(db, hello) },
    ...lost.map(({ runId: run }): ServerMessage => ({ type: "fenced", run })),
  ];
}

/** Of these tasks, those that nobody knows. */
async function orphans(db: Db, hello: Hello): Promise<string[]> {
  const held = checkoutsOf(hello);
  const known = new Set<string>();
  for (const ids of slices(held)) {
    const tasks = await db.selectFrom("tasks").select("id").where("id", "in", ids).execute();
    for (const { id } of tasks) known.add(id);
  }
  return held.filter((id) => !known.has(id));
}

/** Run id -> stream -> offset. */
async function ackedOffsets(db: Db, runIds: readonly string[]): Promise<Record<string, Record<string, number>>> {
  const acked = new Map(runIds.map((id): [string, Record<string, number>] => [id, {}]));
  for (const ids of slices(runIds)) {
    const streams = db.selectFrom("streams").select(["run_id as runId", "stream", "size"]);
    for (const { runId, stream, size } of await streams.where("run_id", "in", ids).execute()) {
      const offsets = acked.get(runId);
      if (offsets !== undefined) offsets[stream] = size;
    }
  }
  return Object.fromEntries(acked);
}
