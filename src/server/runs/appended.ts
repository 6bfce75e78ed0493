import { MAX_FRAME_DATA } from "../../protocol/streams.ts";
import type { Write } from "../db/store.ts";
import { slices } from "../slices.ts";

/** New bytes of a stream, from `offset` on. */
export interface Appended {
  runId: string;
  stream: string;
  offset: number;
  data: Buffer;
}

interface StreamName {
  runId: string;
  stream: string;
}

/** Sizes of those of the streams that exist. */
export async function streamSizes(tx: Write, streams: readonly StreamName[]): Promise<(stream: StreamName) => number> {
  const sizes = new Map<string, number>();
  for (const some of slices(streams)) {
    const rows = await tx.db
      .selectFrom("streams")
      .select(["run_id as runId", "stream", "size"])
      .where("run_id", "in", [...new Set(some.map(({ runId }) => runId))])
      .where("stream", "in", [...new Set(some.map(({ stream }) => stream))])
      .execute();
    for (const row of rows) sizes.set(keyOf(row), row.size);
  }
  return (stream) => sizes.get(keyOf(stream)) ?? 0;
}

/** Stores the bytes and the new sizes. Fails on bytes that are there already, whatever the sizes say. */
export async function storeAppended(tx: Write, appended: readonly Appended[]): Promise<void> {
  for (const some of slices(appended)) {
    await tx.db
      .insertInto("streams")
      .values(
        some.map(({ runId, stream, offset, data }) => ({
          run_id: runId,
          stream,
          size: offset + data.length,
          merged: 0,
        })),
      )
      .onConflict((it) =>
        it.columns(["run_id", "stream"]).doUpdateSet({ size: (eb) => eb.ref("excluded.size"), merged: 0 }),
      )
      .execute();
  }
  for (const some of slices(appended.flatMap(chunksOf))) await tx.db.insertInto("chunks").values(some).execute();
}

/** What one tick brought of a stream is stored together, in rows of at most a frame. */
function chunksOf({ runId, stream, offset, data }: Appended) {
  return Array.from({ length: Math.ceil(data.length / MAX_FRAME_DATA) }, (_, index) => {
    const start = index * MAX_FRAME_DATA;
    const piece = data.subarray(start, start + MAX_FRAME_DATA);
    return { run_id: runId, stream, offset: offset + start, size: piece.length, encoding: "raw" as const, data: piece };
  });
}

function keyOf({ runId, stream }: StreamName): string {
  return `${runId} ${stream}`;
}
