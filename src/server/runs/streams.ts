import { sql } from "kysely";
import type { Selectable } from "kysely";
import { zstdDecompressSync } from "node:zlib";
import { MakimaError } from "../../core/errors.ts";
import type { Reply } from "../../protocol/api.ts";
import type { Db } from "../db/store.ts";
import type { ChunksTable } from "../db/tables.ts";

/** Chunks, and bytes after which no further chunk is added, of one read: it returns 2 MiB at most. */
const READ_CHUNKS = 8;
const READ_BYTES = 1024 * 1024;

export interface StreamRead {
  data: Uint8Array;
  /** `data` reaches the present end. */
  atEnd: boolean;
  /** It reaches the end for good: the run is over, and it ends after all its output is stored. */
  complete: boolean;
}

/**
 * The next bytes of a stream. A stream that does not exist yet is empty. Throws `not_found` for an unknown run, `gone` for
 * output that was dropped, and `invalid_request` for an offset beyond the present end.
 */
export async function readStream(db: Db, runId: string, stream: string, from: number): Promise<StreamRead> {
  const rows = await stateAndChunks(db, runId, stream, from);
  const { size, ended_at } = requireOutput(runId, rows[0]);
  const present = size ?? 0;
  if (from > present) {
    throw new MakimaError("invalid_request", `The stream ${stream} ends at ${present}, before ${from}`);
  }
  const ended = ended_at !== null;
  if (from === present) return { data: new Uint8Array(0), atEnd: true, complete: ended };
  const next = rows.filter((row): row is StateRow & Chunk => row.data !== null);
  // Mostly a reader goes on where a chunk begins. Otherwise it gets the one chunk around its offset: chunks may be merged
  // between two statements, so what two of them find need not fit together.
  const data = bytesFrom(from, next[0]?.offset === from ? next : await chunkAround(db, runId, stream, from));
  // It has been dropped in this moment.
  if (data.length === 0) throw dropped(runId);
  const atEnd = from + data.length >= present;
  return { data, atEnd, complete: atEnd && ended };
}

/** Throws `not_found` for an unknown run, `gone` for output that was dropped. */
export async function listStreams(db: Db, runId: string): Promise<Reply<"listStreams">["streams"]> {
  const rows = await db
    .selectFrom("runs")
    .leftJoin("streams", "streams.run_id", "runs.id")
    .select(["runs.dropped_at", "streams.stream", "streams.size"])
    .where("runs.id", "=", runId)
    .orderBy("streams.stream")
    .execute();
  requireOutput(runId, rows[0]);
  return rows.flatMap(({ stream, size }) => (stream === null || size === null ? [] : { stream, size }));
}

type Chunk = Pick<Selectable<ChunksTable>, "offset" | "encoding" | "data">;

interface RunState {
  ended_at: number | null;
  dropped_at: number | null;
  /** null: the stream does not exist. */
  size: number | null;
}

/** The columns of a chunk are null where there is none. */
type StateRow = RunState & { [C in keyof Chunk]: Chunk[C] | null };

/**
 * The run and its stream, with each of the chunks from `from` on, in their order; no row for an unknown run. One statement,
 * and written out, for every viewer asks it at every wake-up: building it would take longer than answering it.
 */
async function stateAndChunks(db: Db, runId: string, stream: string, from: number): Promise<StateRow[]> {
  const { rows } = await sql<StateRow>`
    select runs.ended_at, runs.dropped_at, streams.size, next."offset", next.encoding, next.data
    from runs
    left join streams on streams.run_id = runs.id and streams.stream = ${stream}
    left join (
      select "offset", encoding, data from chunks
      where run_id = ${runId} and stream = ${stream} and "offset" >= ${from}
      order by "offset" limit ${sql.lit(READ_CHUNKS)}
    ) as next on true
    where runs.id = ${runId}
    order by next."offset"
  `.execute(db);
  return rows;
}

function requireOutput<R extends { dropped_at: number | null }>(runId: string, row: R | undefined): R {
  if (row === undefined) throw new MakimaError("not_found", `There is no run ${runId}`);
  if (row.dropped_at !== null) throw dropped(runId);
  return row;
}

/** Of all its streams, from their beginnings to their ends: no cursor is left to read from. */
function dropped(runId: string): MakimaError {
  return new MakimaError("gone", `The whole output of run ${runId} was dropped`);
}

async function chunkAround(db: Db, runId: string, stream: string, from: number): Promise<Chunk[]> {
  return db
    .selectFrom("chunks")
    .select(["offset", "encoding", "data"])
    .where("run_id", "=", runId)
    .where("stream", "=", stream)
    .where("offset", "<=", from)
    .orderBy("offset", "desc")
    .limit(1)
    .execute();
}

/** What chunks that follow each other hold from an offset in the first of them on. */
function bytesFrom(from: number, chunks: readonly Chunk[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  let end = from;
  for (const chunk of chunks) {
    const piece = decodeChunk(chunk).subarray(end - chunk.offset);
    pieces.push(piece);
    end += piece.length;
    if (end - from >= READ_BYTES) break;
  }
  return Buffer.concat(pieces);
}

function decodeChunk({ encoding, data }: Chunk): Uint8Array {
  return encoding === "zstd" ? zstdDecompressSync(data) : data;
}
