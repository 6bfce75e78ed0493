import assert from "node:assert/strict";
import fs, { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { runSpec } from "../../../test/support/run.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import { RunDirectory } from "./run-directory.ts";

function notice(message: string): RunEvent {
  return { type: "notice", at: 1, message };
}

test("a run's directory is a run once its spec is there; what a crash left before that is removed", async (t) => {
  const runs = await temporary(t);
  const { path } = await RunDirectory.create(runs, runSpec());
  await mkdir(join(runs, "half-made", "iterations"), { recursive: true });
  writeFileSync(join(runs, "half-made", "spec.json.1234.tmp"), "{");
  writeFileSync(join(runs, "stray-file"), "");
  assert.deepEqual(await RunDirectory.list(runs), [path]);
  assert.equal(existsSync(join(runs, "half-made")), false);
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.equal(statSync(join(path, "spec.json")).mode & 0o777, 0o600);
});

test("a run's directory made again keeps the spec that it was made with", async (t) => {
  const runs = await temporary(t);
  const spec = runSpec();
  await RunDirectory.create(runs, spec);
  assert.equal((await RunDirectory.create(runs, { ...spec, goal: "another" })).spec.goal, spec.goal);
});

test("a run's directory is never made outside of its place", async (t) => {
  const runs = await temporary(t);
  for (const ids of [{ runId: "../x" }, { runId: ".." }, { taskId: "a/b" }, { taskId: "" }]) {
    await assert.rejects(RunDirectory.create(runs, runSpec(ids)), { code: "invalid_request" });
  }
  assert.deepEqual(await RunDirectory.list(runs), []);
});

test("a run's directory with a malformed spec does not open", async (t) => {
  const runs = await temporary(t);
  const { path } = await RunDirectory.create(runs, runSpec());
  writeFileSync(join(path, "spec.json"), '{"runId":1}');
  await assert.rejects(RunDirectory.open(path));
});

test("a run's directory keeps a person's wish to stop, and when everything was delivered", async (t) => {
  const directory = await RunDirectory.create(await temporary(t), runSpec());
  assert.deepEqual([await directory.cancelReason(), await directory.deliveredAt()], [null, null]);
  await directory.requestCancel("enough");
  await directory.markDelivered({ events: 3 });
  const again = await RunDirectory.open(directory.path);
  assert.equal(await again.cancelReason(), "enough");
  assert.ok(Math.abs(Date.now() - ((await again.deliveredAt()) ?? 0)) < 60_000);
});

test("a run's directory keeps a prompt of any length, and tells an event its beginning", async (t) => {
  const directory = await RunDirectory.create(await temporary(t), runSpec());
  assert.equal(await directory.writePrompt(1, "short"), "short");
  const long = `begin ${"é".repeat(1_000_000)}`;
  const told = await directory.writePrompt(2, long);
  assert.ok(told.startsWith("begin é") && told.length === 8_000);
  assert.equal(await directory.readPrompt(2), long);
});

test("a run's directory names its streams, and nothing else", async (t) => {
  const directory = await RunDirectory.create(await temporary(t), runSpec());
  await directory.writePrompt(1, "x");
  for (const name of ["out", "err", "pid", "exit"]) writeFileSync(join(directory.path, "iterations/0001", name), "");
  directory.openJournal();
  directory.closeJournal();
  const streams = (await directory.streams()).toSorted();
  assert.deepEqual(streams, ["events", "iterations/0001/err", "iterations/0001/out"]);
});

test("the journal gives back what was appended, without a last line that a crash tore", async (t) => {
  const directory = await RunDirectory.create(await temporary(t), runSpec());
  assert.deepEqual(directory.openJournal(), []);
  directory.append([notice("one"), notice("two")], { durable: true });
  directory.closeJournal();
  const whole = readFileSync(join(directory.path, "events"));
  appendFileSync(join(directory.path, "events"), '{"type":"notice","at":1,"mess');
  assert.deepEqual(await directory.readJournal(), [notice("one"), notice("two")]);
  assert.deepEqual(directory.openJournal(), [notice("one"), notice("two")]);
  assert.deepEqual(readFileSync(join(directory.path, "events")), whole);
  directory.append([notice("three")], { durable: false });
  directory.closeJournal();
  assert.equal((await directory.readJournal()).length, 3);
});

test("the journal that holds a whole line which is no event does not open, and keeps no file open", async (t) => {
  const directory = await RunDirectory.create(await temporary(t), runSpec());
  appendFileSync(join(directory.path, "events"), '{"type":"unheard-of"}\n');
  assert.throws(() => directory.openJournal());
  assert.throws(() => directory.append([notice("x")], { durable: false }), /not open/);
});

test("the journal takes no event that could not be read again", async (t) => {
  const directory = await RunDirectory.create(await temporary(t), runSpec());
  directory.openJournal();
  t.after(() => directory.closeJournal());
  assert.throws(() => directory.append([{ ...notice("x"), at: Number.NaN }], { durable: false }));
  assert.deepEqual(await directory.readJournal(), []);
});

test("the journal is left as it was by a disk that fills up in the middle of a write", async (t) => {
  const directory = await RunDirectory.create(await temporary(t), runSpec());
  directory.openJournal();
  t.after(() => directory.closeJournal());
  directory.append([notice("one")], { durable: false });
  fillDiskAfter(t, 10);
  assert.throws(() => directory.append([notice("two")], { durable: false }), { code: "ENOSPC" });
  t.mock.restoreAll();
  syncBuiltinESMExports();
  directory.append([notice("three")], { durable: false });
  assert.deepEqual(await directory.readJournal(), [notice("one"), notice("three")]);
});

async function temporary(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "makima-journal-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** As the kernel does it: a write takes in what there is room for, and the next one fails. */
function fillDiskAfter(t: TestContext, room: number): void {
  const { writeSync } = fs;
  let left = room;
  const write = (file: number, data: Buffer, offset: number): number => {
    if (left === 0) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    const written = writeSync(file, data, offset, Math.min(left, data.length - offset));
    left -= written;
    return written;
  };
  t.mock.method(fs, "writeSync", write as typeof fs.writeSync);
  syncBuiltinESMExports();
}
