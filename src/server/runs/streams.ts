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
  /** Empty at the present end. */
  data: Uint8Array;
  /** `data` reaches the end, and nothing will follow: the run is over, and it ends after all its output is stored. */
  complete: boolean;
}

/** The next bytes of a stream. A stream that does not exist yet is empty; an unknown run throws `not_found`. */
export async function readStream(db: Db, runId: string, stream: string, from: number): Promise<StreamRead> {
  const { size, ended } = await streamState(db, runId, stream);
  if (from >= size) return { data: new Uint8Array(0), complete: ended };
  const pieces: Uint8Array[] = [];
  let end = from;
  for (const chunk of await chunksFrom(db, runId, stream, from)) {
    const piece = decodeChunk(chunk).subarray(end - chunk.offset);
    pieces.push(piece);
    end += piece.length;
    if (end - from >= READ_BYTES) break;
  }
  return { data: Buffer.concat(pieces), complete: ended && end >= size };
}

export async function listStreams(db: Db, runId: string): Promise<Reply<"listStreams">["streams"]> {
  return db.selectFrom("streams").select(["stream", "size"]).where("run_id", "=", runId).orderBy("stream").execute();
}

async function streamState(db: Db, runId: string, stream: string): Promise<{ size: number; ended: boolean }> {
  const row = await db
    .selectFrom("runs")
    .leftJoin("streams", (join) => join.onRef("streams.run_id", "=", "runs.id").on("streams.stream", "=", stream))
    .select(["runs.ended_at", "streams.size"])
    .where("runs.id", "=", runId)
    .executeTakeFirst();
  if (row === undefined) throw new MakimaError("not_found", `There is no run ${runId}`);
  return { size: row.size ?? 0, ended: row.ended_at !== null };
}

type Chunk = Pick<Selectable<ChunksTable>, "offset" | "encoding" | "data">;

/** From the chunk on that holds the byte at `from`. One statement, because chunks may be merged between two. */
async function chunksFrom(db: Db, runId: string, stream: string, from: number): Promise<Chunk[]> {
  return db
    .selectFrom("chunks")
    .select(["offset", "encoding", "data"])
    .where("run_id", "=", runId)
    .where("stream", "=", stream)
    .where("offset", ">=", (eb) =>
      eb
        .selectFrom("chunks as first")
        .select((of) => of.fn.max("first.offset").as("offset"))
        .where("first.run_id", "=", runId)
        .where("first.stream", "=", stream)
        .where("first.offset", "<=", from),
    )
    .orderBy("offset")
    .limit(READ_CHUNKS)
    .execute();
}

function decodeChunk({ encoding, data }: Chunk): Uint8Array {
  return encoding === "zstd" ? zstdDecompressSync(data) : data;
}
