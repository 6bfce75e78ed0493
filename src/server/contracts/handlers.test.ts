import assert from "node:assert/strict";
import { test } from "node:test";
import { shortId } from "../../core/ids.ts";
import type { RouteName } from "../../protocol/routes.ts";
import { askRoute } from "../testing/ask.ts";
import type { Given } from "../testing/ask.ts";
import { contract, opened } from "../testing/data.ts";
import { call, temporaryServer } from "../testing/harness.ts";
import { FakeDaemon } from "../testing/peers.ts";

/** A server with a contract that a supervisor drives, one with a plain task, and the keys of both agents. */
async function twoDrivers() {
  await using resources = new AsyncDisposableStack();
  const { server } = resources.use(await temporaryServer());
  const daemon = resources.use(await FakeDaemon.connect(server));
  const led = await call(server, "createContract", { ...contract, name: "led", supervisor: true });
  const plain = await call(server, "createContract", { ...contract, name: "plain" });
  await daemon.spawned(2);
  const agentOf = (taskId: string) => {
    const spec = daemon.spawns.map((spawn) => spawn.spec).find((one) => one.taskId === taskId);
    return { url: server.url, userKey: spec?.taskToken ?? "" };
  };
  const agents = { supervisor: agentOf(led.task.id), worker: agentOf(plain.task.id) };
  const owned = resources.move();
  return { server, led, plain, ...agents, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

type Caller = { url: string; userKey: string };

async function refusal(caller: Caller, name: RouteName, fields: Given): Promise<[number, string | undefined]> {
  const { status, error } = await askRoute(caller, name, caller.userKey, fields);
  return [status, error?.code];
}

test("a supervisor drives its contract, and only a person forces anything", async () => {
  await using world = await twoDrivers();
  const { server, led, supervisor } = world;
  const { id } = led.contract;
  assert.deepEqual(await refusal(supervisor, "advancePhase", { id }), [409, "deliverables_missing"]);
  assert.deepEqual(await refusal(supervisor, "advancePhase", { id, force: true }), [403, "forbidden"]);
  assert.deepEqual(await refusal(supervisor, "completeContract", { id }), [409, "conflict"]);
  for (const name of ["updateContract", "pauseContract", "deleteContract"] as const) {
    assert.deepEqual(await refusal(supervisor, name, { id }), [403, "forbidden"], name);
  }
  const { file } = await call(supervisor, "createFile", { id, name: "plan", content: "# Plan" });
  assert.equal(file.phase, "plan");
  const advanced = await call(supervisor, "advancePhase", { id: shortId(id) });
  assert.equal(advanced.contract.phase, "execute");
  assert.deepEqual(await refusal(supervisor, "completeContract", { id }), [409, "deliverables_missing"]);
  const { contract: set } = await call(supervisor, "setCompletionAction", { id, action: "branch" });
  assert.equal(set.completionAction, "branch");
  assert.deepEqual(await refusal(supervisor, "setCompletionAction", { id, action: "merge" }), [400, "invalid_request"]);

  const other = await call(server, "openContract", opened);
  const { contract: forced } = await call(server, "advancePhase", { id: other.contract.id, force: true });
  assert.equal(forced.phase, "execute");
});

test("a task's agent marks goals, writes files and reports in its own contract, and moves nothing on", async () => {
  await using world = await twoDrivers();
  const { server, plain, worker, led } = world;
  const { id } = plain.contract;
  const { contract: changed } = await call(worker, "changeGoals", { id, add: ["Be right"] });
  assert.deepEqual(changed.goals, [{ text: "Be right", done: false }]);
  const { report } = await call(worker, "createReport", { id, text: "Half done" });
  assert.equal(report.taskId, plain.task.id);
  assert.equal((await call(server, "createReport", { id, text: "I see" })).report.taskId, null);
  const { cursor } = await call(worker, "contractStatus", { id });
  await call(worker, "createFile", { id, name: "notes", content: "# Notes" });
  const { changes } = await call(server, "listChanges", { from: cursor });
  assert.deepEqual(
    changes.map(({ kind, id: changedId }) => [kind, changedId]),
    [["file", `${id}/notes`]],
  );
  for (const name of ["advancePhase", "completeContract", "setCompletionAction"] as const) {
    const extra = name === "setCompletionAction" ? { action: "none" } : {};
    assert.deepEqual(await refusal(worker, name, { id, ...extra }), [403, "forbidden"], name);
  }
  const foreign = led.contract.id;
  await call(server, "createFile", { id: foreign, name: "plan", content: "# Secret" });
  assert.deepEqual(await refusal(worker, "getFile", { id: foreign, name: "plan" }), [403, "forbidden"]);
  assert.deepEqual(await refusal(worker, "listReports", { id: shortId(foreign) }), [404, "not_found"]);
});

test("a file's version is its ETag, and an old one is refused", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { id } = (await call(server, "openContract", opened)).contract;
  const ask = (name: RouteName, fields: Given, extra = {}) => askRoute(server, name, server.userKey, fields, extra);
  const created = await ask("createFile", { id, name: "plan", content: "one" });
  assert.equal(created.headers.etag, '"1"');
  const update = (version: number) =>
    ask("updateFile", { id, name: "plan", content: "two" }, { "if-match": `"${version}"` });
  assert.deepEqual([(await update(1)).status, (await update(1)).error?.code], [200, "version_conflict"]);
  const old = await call(server, "getFile", { id, name: "plan", version: 1 });
  assert.deepEqual([old.version, old.file.version, old.content], [1, 2, "one"]);
  for (const name of ["Plan", "../plan", "a b", ".hidden", "x".repeat(101)]) {
    const { status, error } = await ask("createFile", { id, name, content: "text" });
    assert.deepEqual([status, error?.code], [400, "invalid_request"], name);
  }
  const { error } = await ask("changeGoals", { id, done: [0] });
  assert.equal(error?.code, "invalid_request");
});

test("a deleted contract can be looked at, and takes nothing more", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { id } = (await call(server, "openContract", opened)).contract;
  await call(server, "createFile", { id, name: "plan", content: "# Plan" });
  await call(server, "deleteContract", { id });
  const refused: [RouteName, Given][] = [
    ["updateContract", { name: "Another" }],
    ["changeGoals", { add: ["More"] }],
    ["advancePhase", { force: true }],
    ["setCompletionAction", { action: "branch" }],
    ["pauseContract", {}],
    ["resumeContract", {}],
    ["completeContract", {}],
    ["createFile", { name: "late", content: "text" }],
    ["updateFile", { name: "plan", content: "text" }],
    ["createReport", { text: "Late" }],
    ["createTask", { name: "Late", goal: "Go on" }],
  ];
  for (const [name, fields] of refused) {
    assert.deepEqual(await refusal(server, name, { id, ...fields }), [409, "conflict"], name);
  }
  const { contract: seen, suggestions } = await call(server, "contractStatus", { id });
  assert.deepEqual([seen.status, suggestions], ["deleted", []]);
  assert.equal((await call(server, "getFile", { id, name: "plan" })).content, "# Plan");
});
