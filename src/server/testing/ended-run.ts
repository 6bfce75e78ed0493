import { randomBytes } from "node:crypto";
import type { Store } from "../db/store.ts";
import { Merger } from "../runs/merge.ts";
import { silent, until } from "./basics.ts";
import { finished, started } from "./data.ts";
import { OUT } from "./play.ts";
import { append, newRun, say } from "./run.ts";

export interface EndedRun {
  runId: string;
  taskId: string;
  /** All of its agent's output; it does not compress. */
  output: Buffer;
}

/** A run that ended `age` (ms) ago, with its output merged. */
export async function endedRun(store: Store, { age = 0, bytes = 1000 } = {}): Promise<EndedRun> {
  const run = await newRun(store);
  const output = randomBytes(bytes);
  await append(store, run, [{ stream: OUT, offset: 0, data: output }]);
  await say(store, run, started, finished());
  await using _ = new Merger(store, silent);
  await until(async () => (await unmerged(store)) === 0);
  await store.write(({ db, now }) =>
    db
      .updateTable("runs")
      .set({ ended_at: now - age })
      .where("id", "=", run.runId)
      .execute(),
  );
  return { ...run, output };
}

async function unmerged({ db }: Store): Promise<number> {
  const streams = db.selectFrom("streams").innerJoin("runs", "runs.id", "streams.run_id").select("stream");
  return (await streams.where("merged", "=", 0).where("ended_at", "is not", null).execute()).length;
}
