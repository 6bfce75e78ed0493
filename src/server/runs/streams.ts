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
  const { size, ended } = await streamState(db, runId, stream);
  if (from > size) throw new MakimaError("invalid_request", `The stream ${stream} ends at ${size}, before ${from}`);
  if (from === size) return { data: new Uint8Array(0), atEnd: true, complete: ended };
  const pieces: Uint8Array[] = [];
  let end = from;
  for (const chunk of await chunksFrom(db, runId, stream, from)) {
    const piece = decodeChunk(chunk).subarray(end - chunk.offset);
    pieces.push(piece);
    end += piece.length;
    if (end - from >= READ_BYTES) break;
  }
  // It has been dropped in this moment.
  if (end === from) throw dropped(runId);
  const atEnd = end >= size;
  return { data: Buffer.concat(pieces), atEnd, complete: atEnd && ended };
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

async function streamState(db: Db, runId: string, stream: string): Promise<{ size: number; ended: boolean }> {
  const row = await db
    .selectFrom("runs")
    .leftJoin("streams", (join) => join.onRef("streams.run_id", "=", "runs.id").on("streams.stream", "=", stream))
    .select(["runs.ended_at", "runs.dropped_at", "streams.size"])
    .where("runs.id", "=", runId)
    .executeTakeFirst();
  const { size, ended_at } = requireOutput(runId, row);
  return { size: size ?? 0, ended: ended_at !== null };
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

type Chunk = Pick<Selectable<ChunksTable>, "offset" | "encoding" | "data">;

/**
 * Chunks that follow each other, the first of which holds the byte at `from`. Mostly a reader goes on where a chunk
 * begins. Otherwise it gets the one chunk around `from`: chunks may be merged between two statements, so what two of
 * them find need not fit together.
 */
async function chunksFrom(db: Db, runId: string, stream: string, from: number): Promise<Chunk[]> {
  const chunks = db
    .selectFrom("chunks")
    .select(["offset", "encoding", "data"])
    .where("run_id", "=", runId)
    .where("stream", "=", stream);
  const next = await chunks.where("offset", ">=", from).orderBy("offset").limit(READ_CHUNKS).execute();
  if (next[0]?.offset === from) return next;
  return chunks.where("offset", "<", from).orderBy("offset", "desc").limit(1).execute();
}

function decodeChunk({ encoding, data }: Chunk): Uint8Array {
  return encoding === "zstd" ? zstdDecompressSync(data) : data;
}
