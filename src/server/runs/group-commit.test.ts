import assert from "node:assert/strict";
import type { Holder } from "../daemons/identity.ts";
import type { Store } from "../db/store.ts";
import { silent } from "../testing/basics.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { HOLDER, newRun, readAll } from "../testing/run.ts";
import type { TestRun } from "../testing/run.ts";
import { GroupCommit } from "./group-commit.ts";
import type { AppendSource } from "./group-commit.ts";
import { weightOf } from "./ingest.ts";
import type { Receipt } from "./ingest.ts";

const OUT = "iterations/0001/out";

class Source implements AppendSource {
  readonly holder: Holder;
  readonly receipts: Receipt[] = [];
  readonly errors: unknown[] = [];
  weight = 0;
  takenFrom = 0;

  constructor(linkId = HOLDER.linkId) {
    this.holder = { ...HOLDER, linkId };
  }

  committed(receipts: readonly Receipt[], weight: number): void {
    this.receipts.push(...receipts);
    this.weight += weight;
  }

  superseded(): void {
    this.takenFrom += 1;
  }

  failed(error: unknown): void {
    this.errors.push(error);
  }
}

function out({ runId, fence }: TestRun, offset: number, text: string) {
  return { header: { run: runId, fence, stream: OUT, offset }, data: Buffer.from(text) };
}

onEveryEngine("what arrives together is committed together, and answered once per stream", async (database) => {
  await using store = await database.open();
  const run = await newRun(store);
  const source = new Source();
  {
    await using commits = new GroupCommit(store, silent);
    for (const [offset, letter] of ["a", "b", "c", "d", "e", "f"].entries()) {
      commits.add(source, out(run, offset, letter));
    }
  }
  assert.deepEqual(source.receipts, [{ kind: "ack", run: run.runId, stream: OUT, offset: 6 }]);
  assert.equal(source.weight, 6 * weightOf(out(run, 0, "a")));
  assert.equal((await store.db.selectFrom("chunks").select("offset").execute()).length, 1);
});

onEveryEngine("a link whose appends cannot be stored fails alone, and stores nothing after that", async (database) => {
  await using store = await database.open();
  const [good, bad] = [await newRun(store), await newRun(store)];
  await breakStream(store, bad);
  const [well, ill] = [new Source(), new Source()];
  {
    await using commits = new GroupCommit(store, silent);
    commits.add(ill, out(bad, 0, "lost"));
    commits.add(well, out(good, 0, "kept"));
  }
  {
    await using commits = new GroupCommit(store, silent);
    commits.add(ill, out(bad, 0, "lost"));
    commits.add(well, out(good, 4, " too"));
  }
  assert.equal(ill.receipts.length, 0);
  assert.match(String(ill.errors[0]), /unique/i);
  assert.equal(String(await readAll(store, good.runId, OUT)), "kept too");
});

onEveryEngine(
  "a link that has lost its daemon's identity stores nothing, which is no news of its runs",
  async (database) => {
    await using store = await database.open();
    const run = await newRun(store);
    const [past, present] = [new Source("l0"), new Source()];
    {
      await using commits = new GroupCommit(store, silent);
      commits.add(past, out(run, 0, "from nowhere"));
      commits.add(present, out(run, 0, "here"));
      commits.add(past, out(run, 4, "again"));
    }
    assert.deepEqual([past.receipts, past.errors, past.takenFrom], [[], [], 1]);
    assert.deepEqual([present.receipts.length, present.takenFrom], [1, 0]);
    assert.equal(String(await readAll(store, run.runId, OUT)), "here");
  },
);

/** A row that the stream's size knows nothing of makes the next append break the database's own rules. */
async function breakStream({ db }: Store, { runId }: TestRun): Promise<void> {
  const chunk = { offset: 0, size: 1, encoding: "raw", data: Buffer.from("x") } as const;
  await db
    .insertInto("chunks")
    .values({ run_id: runId, stream: OUT, ...chunk })
    .execute();
}
