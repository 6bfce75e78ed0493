import { MakimaError } from "../../core/errors.ts";
import type { Logger } from "../../platform/log.ts";
import type { AppendHeader } from "../../protocol/link.ts";
import { decodeEvent } from "../../protocol/run-events.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import { EVENTS } from "../../protocol/streams.ts";
import { streamTopic } from "../../protocol/topics.ts";
import type { Holder } from "../daemons/identity.ts";
import type { Write } from "../db/store.ts";
import { storeAppended, streamSizes } from "./appended.ts";
import type { Appended } from "./appended.ts";
import { proveLeases } from "./lease.ts";
import type { Claim, Lease } from "./lease.ts";
import { planAppends } from "./plan.ts";
import type { Piece } from "./plan.ts";
import { applyEvent } from "./projection.ts";

export interface Append {
  header: AppendHeader;
  data: Uint8Array;
}

/** What an append costs beside its strings and bytes while it waits: the objects that hold them. */
const OVERHEAD = 512;

/** Bytes that an append takes while it waits, so that an empty one is not for nothing. */
export function weightOf({ header, data }: Append): number {
  return OVERHEAD + 2 * header.run.length + data.length;
}

/** `offset`: everything below it is stored once the transaction is committed. `fenced`: the daemon must stop the run. */
export type Receipt = { kind: "ack"; run: string; stream: string; offset: number } | { kind: "fenced"; run: string };

/**
 * Stores one daemon's appends and applies the events among them, in one transaction, so that each event is applied
 * exactly once whatever is repeated. Answers once per stream, and with a few statements for however many streams. null,
 * with nothing stored, where the connection does not hold the daemon's identity.
 */
export async function ingest(
  tx: Write,
  holder: Holder,
  appends: readonly Append[],
  log: Logger,
): Promise<Receipt[] | null> {
  const offers = byStream(appends);
  const leaseOf = await proveLeases(tx.db, holder, offers);
  if (leaseOf === null) return null;
  const held = offers.flatMap((offer) => {
    const lease = leaseOf(offer);
    return lease === null ? [] : [{ ...offer, lease }];
  });
  const sizeOf = await streamSizes(tx, held);
  const plans = held.map((offer) => ({ ...offer, ...planAppends(offer.stream, sizeOf(offer), offer.pieces) }));
  await store(
    tx,
    plans.filter(({ data }) => data.length > 0),
    log,
  );
  const fenced = offers.filter((offer) => leaseOf(offer) === null);
  return [
    ...plans.map(({ runId: run, stream, size: offset }): Receipt => ({ kind: "ack", run, stream, offset })),
    ...fenced.map(({ runId: run }): Receipt => ({ kind: "fenced", run })),
  ];
}

interface Offer extends Claim {
  stream: string;
  pieces: Piece[];
}

function byStream(appends: readonly Append[]): Offer[] {
  const offers = new Map<string, Offer>();
  for (const { header, data } of appends) {
    const { run: runId, fence, stream, offset } = header;
    const key = `${runId} ${fence} ${stream}`;
    const offer = offers.get(key) ?? { runId, fence, stream, pieces: [] };
    offers.set(key, offer);
    offer.pieces.push({ offset, data });
  }
  return [...offers.values()];
}

async function store(tx: Write, appended: readonly (Appended & { lease: Lease })[], log: Logger): Promise<void> {
  await storeAppended(tx, appended);
  for (const { runId, stream, data, lease } of appended) {
    tx.wake(streamTopic(runId, stream));
    if (stream === EVENTS) await applyLines(tx, lease, data, log);
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
