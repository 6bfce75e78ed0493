import type { Subscriber } from "../../client/subscriber.ts";
import { EVENTS } from "../../protocol/streams.ts";
import type { Connection } from "../connect.ts";

/** What of a run is read: what its agent prints, or the events. */
export type LogStream = "out" | "err" | "events";

/** A place in what a run has printed, over all of its iterations; that of `events` is in none. */
export interface Position {
  iteration: number;
  offset: number;
}

export interface TailOptions {
  runId: string;
  stream: LogStream;
  /** Only this one; null: all. */
  iteration: number | null;
  lines: number;
}

/**
 * Where the last lines of a run's output begin, by looking at the end of its streams only; a line that is not finished
 * counts as one.
 */
export async function tailStart(
  { call }: Connection,
  subscriber: Subscriber,
  { runId, stream, iteration, lines }: TailOptions,
): Promise<Position> {
  const { streams } = await call("listStreams", { id: runId });
  const pieces = streams
    .map(({ stream: name, size }) => ({ name, size, iteration: iterationOf(name, stream) ?? -1 }))
    .filter((piece) => piece.iteration >= 0 && (iteration ?? piece.iteration) === piece.iteration);
  let wanted = lines;
  for (const { name, size, iteration: index } of pieces.toSorted((a, b) => b.iteration - a.iteration)) {
    const starts = await lastLineStarts(subscriber, { runId, name, size }, wanted);
    wanted -= starts.length;
    if (wanted <= 0) return { iteration: index, offset: starts[0] ?? 0 };
  }
  return { iteration: 0, offset: 0 };
}

/** The iteration that a stream is the wanted output of; null: of none. */
function iterationOf(name: string, wanted: LogStream): number | null {
  if (wanted === EVENTS) return name === EVENTS ? 0 : null;
  const [, index, output] = /^iterations\/(\d+)\/(out|err)$/.exec(name) ?? [];
  return output === wanted ? Number(index) : null;
}

/** Bytes of the end that are looked at first; twice as many as long as they hold too few lines. */
const FIRST_LOOK = 64 * 1024;

interface Piece {
  runId: string;
  name: string;
  size: number;
}

/** Offsets at which the last `count` lines of a stream begin, in order; fewer where it has fewer. */
async function lastLineStarts(subscriber: Subscriber, piece: Piece, count: number): Promise<number[]> {
  for (let look = FIRST_LOOK; ; look *= 2) {
    const from = Math.max(0, piece.size - look);
    const starts = await lineStarts(subscriber, piece, from, count);
    if (starts.length >= count || from === 0) return starts;
  }
}

const NEWLINE = 10;

async function lineStarts(
  subscriber: Subscriber,
  { runId, name, size }: Piece,
  from: number,
  count: number,
): Promise<number[]> {
  const starts = from === 0 && size > 0 ? [0] : [];
  for await (const { offset, data } of subscriber.stream(runId, name, { from, follow: false })) {
    for (let at = data.indexOf(NEWLINE); at !== -1; at = data.indexOf(NEWLINE, at + 1)) {
      // What is added meanwhile comes after the end that was asked for.
      if (offset + at + 1 < size) starts.push(offset + at + 1);
    }
    // A window without an end would be one of all lines.
    if (starts.length > 2 * count) starts.splice(0, starts.length - count);
  }
  return starts.slice(-count);
}
