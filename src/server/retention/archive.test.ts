import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../platform/clock.ts";
import { HOUR } from "../../platform/config/units.ts";
import { exists } from "../../platform/files.ts";
import { createLogger } from "../../platform/log.ts";
import type { Store } from "../db/store.ts";
import { temporaryHome, until } from "../testing/basics.ts";
import { endedRun } from "../testing/ended-run.ts";
import { postgresDatabase, sqliteDatabase } from "../testing/engines.ts";
import { OUT } from "../testing/play.ts";
import { Retention } from "./retention.ts";

/** A place with an archive command that does what the test says. */
class Place implements AsyncDisposable {
  readonly #home: AsyncDisposable & { path: string };
  /** What was logged. */
  readonly lines: string[] = [];

  private constructor(home: AsyncDisposable & { path: string }) {
    this.#home = home;
  }

  static async make(script: string): Promise<Place> {
    const place = new Place(await temporaryHome());
    await writeFile(place.path("archive.sh"), `#!/bin/sh\nset -e\ncd ${place.path("")}\n${script}\n`);
    await chmod(place.path("archive.sh"), 0o700);
    await mkdir(place.path("kept"));
    return place;
  }

  path(name: string): string {
    return join(this.#home.path, name);
  }

  /** Drops everything that has ended; `ahead` (ms) of the real time. */
  keep(store: Store, { ahead = 0, program = this.path("archive.sh") } = {}): Retention {
    return new Retention({
      store,
      clock: { now: () => systemClock.now() + ahead + 1, sleep: (ms, signal) => systemClock.sleep(ms, signal) },
      log: createLogger({ level: "info", format: "json", stream: { write: (line) => void this.lines.push(line) } }),
      rules: { maxAgeMs: 1, maxSizeBytes: null, archive: [program, "--to"] },
      archiveDir: this.path("archive"),
      environment: { PATH: process.env["PATH"], GREETING: "hello", ABSENT: undefined },
    });
  }

  async archived(): Promise<string[]> {
    return (await readFile(this.path("log"), "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#home[Symbol.asyncDispose]();
  }
}

/** Copies the directory that is the last argument, and notes it. */
const COPY = 'cp -r "$2" kept/; echo "$GREETING $1 $(basename "$2")" >> log';

async function isDropped({ db }: Store, runId: string): Promise<boolean> {
  const run = await db.selectFrom("runs").select("dropped_at").where("id", "=", runId).executeTakeFirstOrThrow();
  return run.dropped_at !== null;
}

test("before a run's output is dropped, the archive command gets all of it, once", async () => {
  await using database = await sqliteDatabase();
  await using store = await database.open();
  await using place = await Place.make(`[ "$(stat -c %a "$2")" = 700 ]; ${COPY}`);
  const { runId, taskId, output } = await endedRun(store, { age: HOUR, bytes: 5_000_000 });
  await using _ = place.keep(store);
  await until(() => isDropped(store, runId));
  assert.deepEqual(await place.archived(), [`hello --to ${runId}`]);
  const kept = join(place.path("kept"), runId);
  assert.ok((await readFile(join(kept, OUT))).equals(output));
  assert.match(await readFile(join(kept, "events"), "utf8"), /^{"type":"started".*\n{"type":"finished".*\n$/);
  const description = JSON.parse(await readFile(join(kept, "run.json"), "utf8")) as Record<string, unknown>;
  assert.equal(description["runId"], runId);
  assert.equal(description["taskId"], taskId);
  assert.equal(description["goal"], "Make the tests pass");
  assert.deepEqual(description["iterations"], []);
  assert.equal((await stat(join(kept, "events"))).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(place.path("archive")), []);
});

test("output whose archive fails stays, is told of, and is tried again later; other runs do not wait for it", async () => {
  await using database = await sqliteDatabase();
  await using store = await database.open();
  const bad = await endedRun(store, { age: 2 * HOUR });
  const good = await endedRun(store, { age: HOUR });
  await using place = await Place.make(
    `case "$2" in *${bad.runId}) [ -e mended ] || { echo no room >&2; exit 3; };; esac; ${COPY}`,
  );
  {
    await using _ = place.keep(store);
    await until(() => isDropped(store, good.runId));
  }
  assert.equal(await isDropped(store, bad.runId), false);
  const warnings = place.lines.filter((line) => line.includes("could not archive"));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /the archive command exited with 3: no room/);
  assert.deepEqual(await readdir(place.path("archive")), []);

  // Its time has not come; that of a newer one has.
  await writeFile(place.path("mended"), "");
  const newer = await endedRun(store, { age: HOUR });
  {
    await using _ = place.keep(store);
    await until(() => isDropped(store, newer.runId));
  }
  assert.equal(await isDropped(store, bad.runId), false);
  await using _ = place.keep(store, { ahead: HOUR });
  await until(() => isDropped(store, bad.runId));
});

test("an archive command that does not exist keeps the output", async () => {
  await using database = await sqliteDatabase();
  await using store = await database.open();
  await using place = await Place.make("");
  const { runId } = await endedRun(store, { age: HOUR });
  await using _ = place.keep(store, { program: place.path("nonsense") });
  await until(() => place.lines.some((line) => line.includes("cannot be started: no such command")));
  assert.equal(await isDropped(store, runId), false);
});

test("a server that stops does not wait for the archive command, and does not drop the output", async () => {
  await using database = await sqliteDatabase();
  await using store = await database.open();
  await using place = await Place.make("echo $$ > pid; exec sleep 600");
  const { runId } = await endedRun(store, { age: HOUR });
  {
    await using _ = place.keep(store);
    await until(async () => (await readFile(place.path("pid"), "utf8").catch(() => "")) !== "");
  }
  assert.equal(await isDropped(store, runId), false);
  assert.equal(await exists(`/proc/${(await readFile(place.path("pid"), "utf8")).trim()}`), false);
  assert.deepEqual(place.lines, []);
});

test("of the servers on a database one archives at a time, and another goes on when that one stops", async () => {
  await using database = await postgresDatabase();
  await using first = await database.open();
  await using second = await database.open();
  await using place = await Place.make(`echo "begin $2" >>log; ${COPY}; sleep 0.1`);
  const runs: string[] = [];
  for (let count = 0; count < 6; count += 1) runs.push((await endedRun(first, { age: HOUR + count })).runId);
  const all = async () => (await Promise.all(runs.map((runId) => isDropped(first, runId)))).every(Boolean);
  {
    await using one = place.keep(first);
    await using _ = place.keep(second);
    await until(async () => (await place.archived()).length >= 4);
    await one[Symbol.asyncDispose]();
  }
  await using _ = place.keep(second);
  await until(all);
  const lines = await place.archived();
  const archived = lines.filter((line) => !line.startsWith("begin")).map((line) => line.split(" ").at(-1));
  assert.deepEqual(new Set(archived), new Set(runs));
  // Only what was under way when the first server stopped was begun without an end, or done twice.
  const begun = lines.filter((line) => line.startsWith("begin"));
  assert.ok(begun.length <= runs.length + 1, lines.join("\n"));
  const overlapping = lines.filter((line, index) => line.startsWith("begin") && lines[index + 1]?.startsWith("begin"));
  assert.ok(overlapping.length <= 1, lines.join("\n"));
});
