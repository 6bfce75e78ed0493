import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "../db/store.ts";
import { openStore, silent, temporaryHome } from "../testing/harness.ts";
import { DAEMON, newRun, readAll } from "../testing/run.ts";
import type { TestRun } from "../testing/run.ts";
import { GroupCommit } from "./group-commit.ts";
import type { AppendSource } from "./group-commit.ts";
import type { Receipt } from "./ingest.ts";

const OUT = "iterations/0001/out";

class Source implements AppendSource {
  readonly daemonId = DAEMON;
  readonly receipts: Receipt[] = [];
  readonly errors: unknown[] = [];
  bytes = 0;

  committed(receipts: readonly Receipt[], bytes: number): void {
    this.receipts.push(...receipts);
    this.bytes += bytes;
  }

  failed(error: unknown): void {
    this.errors.push(error);
  }
}

function out({ runId, fence }: TestRun, offset: number, text: string) {
  return { header: { run: runId, fence, stream: OUT, offset }, data: Buffer.from(text) };
}

test("what arrives together is committed together, and answered once per stream", async () => {
  await using home = await temporaryHome();
  await using store = await openStore(home.path);
  const run = await newRun(store);
  const source = new Source();
  {
    await using commits = new GroupCommit(store, silent);
    for (const [offset, letter] of ["a", "b", "c", "d", "e", "f"].entries()) {
      commits.add(source, out(run, offset, letter));
    }
  }
  assert.deepEqual(source.receipts, [{ kind: "ack", run: run.runId, stream: OUT, offset: 6 }]);
  assert.equal(source.bytes, 6);
  assert.equal((await store.db.selectFrom("chunks").select("offset").execute()).length, 1);
});

test("a link whose appends cannot be stored fails alone, and stores nothing after that", async () => {
  await using home = await temporaryHome();
  await using store = await openStore(home.path);
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
  assert.match(String(ill.errors[0]), /UNIQUE/);
  assert.equal(String(await readAll(store, good.runId, OUT)), "kept too");
});

/** A row that the stream's size knows nothing of makes the next append break the database's own rules. */
async function breakStream({ db }: Store, { runId }: TestRun): Promise<void> {
  const chunk = { offset: 0, size: 1, encoding: "raw", data: Buffer.from("x") } as const;
  await db
    .insertInto("chunks")
    .values({ run_id: runId, stream: OUT, ...chunk })
    .execute();
}
