import { MakimaError } from "../../core/errors.ts";
import type { Logger } from "../../platform/log.ts";
import { decodeEvent } from "../../protocol/run-events.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import { EVENTS, MAX_FRAME_DATA } from "../../protocol/streams.ts";
import { streamTopic } from "../../protocol/topics.ts";
import type { Write } from "../db/store.ts";
import type { AppendHeader } from "../../protocol/link.ts";
import { proveLease } from "./lease.ts";
import type { Lease } from "./lease.ts";
import { planAppends } from "./plan.ts";
import type { Piece } from "./plan.ts";
import { applyEvent } from "./projection.ts";

export interface Append {
  header: AppendHeader;
  data: Uint8Array;
}

/** `offset`: everything below it is stored once the transaction is committed. `fenced`: the daemon must stop the run. */
export type Receipt =
  | { kind: "ack"; run: string; stream: string; offset: number }
  | { kind: "fenced"; run: string };

/**
 * Stores one daemon's appends and applies the events among them, in one transaction, so that each event is applied
 * exactly once whatever is repeated. Answers once per stream.
 */
export async function ingest(
  tx: Write,
  daemonId: string,
  appends: readonly Append[],
  log: Logger,
): Promise<Receipt[]> {
  const receipts: Receipt[] = [];
  for (const { run, fence, streams } of byRun(appends)) {
    const lease = await proveLease(tx.db, daemonId, run, fence);
    if (lease === null) {
      receipts.push({ kind: "fenced", run });
      continue;
    }
    for (const [stream, pieces] of streams) {
      const offset = await appendToStream(tx, lease, stream, pieces, log);
      receipts.push({ kind: "ack", run, stream, offset });
    }
  }
  return receipts;
}

interface RunAppends {
  run: string;
  fence: number;
  streams: Map<string, Piece[]>;
}

function byRun(appends: readonly Append[]): Iterable<RunAppends> {
  const runs = new Map<string, RunAppends>();
  for (const { header, data } of appends) {
    const key = `${header.run} ${header.fence}`;
    const of = runs.get(key) ?? { run: header.run, fence: header.fence, streams: new Map<string, Piece[]>() };
    runs.set(key, of);
    const pieces = of.streams.get(header.stream) ?? [];
    of.streams.set(header.stream, pieces);
    pieces.push({ offset: header.offset, data });
  }
  return runs.values();
}

async function appendToStream(
  tx: Write,
  lease: Lease,
  stream: string,
  pieces: readonly Piece[],
  log: Logger,
): Promise<number> {
  const size = await streamSize(tx, lease.runId, stream);
  const plan = planAppends(stream, size, pieces);
  if (plan.size === size) return size;
  const data = Buffer.concat(plan.added);
  await storeSize(tx, lease.runId, stream, plan.size);
  await storeChunks(tx, lease.runId, stream, size, data);
  if (stream === EVENTS) await applyLines(tx, lease, data, log);
  tx.wake(streamTopic(lease.runId, stream));
  return plan.size;
}

async function streamSize(tx: Write, runId: string, stream: string): Promise<number> {
  const row = await tx.db
    .selectFrom("streams")
    .select("size")
    .where("run_id", "=", runId)
    .where("stream", "=", stream)
    .executeTakeFirst();
  return row?.size ?? 0;
}

async function storeSize(tx: Write, runId: string, stream: string, size: number): Promise<void> {
  await tx.db
    .insertInto("streams")
    .values({ run_id: runId, stream, size, merged: 0 })
    .onConflict((it) => it.columns(["run_id", "stream"]).doUpdateSet({ size, merged: 0 }))
    .execute();
}

/** What one tick brought of a stream is stored together, in rows of at most a frame. */
async function storeChunks(tx: Write, runId: string, stream: string, from: number, data: Uint8Array): Promise<void> {
  for (let start = 0; start < data.length; start += MAX_FRAME_DATA) {
    const piece = data.subarray(start, start + MAX_FRAME_DATA);
    await tx.db
      .insertInto("chunks")
      .values({ run_id: runId, stream, offset: from + start, size: piece.length, encoding: "raw", data: piece })
      .execute();
  }
}

async function applyLines(tx: Write, lease: Lease, data: Buffer, log: Logger): Promise<void> {
  for (const line of data.toString("utf8").split("\n")) {
    if (line === "") continue;
    const event = parseEvent(line, lease, log);
    if (event !== null) await applyIfLegal(tx, lease, event, log);
  }
}

/** A line that this version does not understand must not hold up the run: its bytes are kept, it changes nothing. */
function parseEvent(line: string, lease: Lease, log: Logger): RunEvent | null {
  try {
    return decodeEvent(line);
  } catch (error) {
    log.warn({ run: lease.runId, line: line.slice(0, 200), err: error }, "skipped a malformed event");
    return null;
  }
}

/** The same for an event that the state machine refuses; every other failure fails the transaction. */
async function applyIfLegal(tx: Write, lease: Lease, event: RunEvent, log: Logger): Promise<void> {
  try {
    await applyEvent(tx, lease, event);
  } catch (error) {
    if (!(error instanceof MakimaError)) throw error;
    log.warn({ run: lease.runId, event: event.type, reason: error.message }, "skipped an event that came out of turn");
  }
}
