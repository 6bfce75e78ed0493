import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { outcomeOf } from "../../../test/support/machine.ts";
import { refused, saidIn } from "../../../test/support/said.ts";
import { until } from "../../../test/support/until.ts";
import { fileInHome, makeWorkshop } from "../../../test/support/workshop.ts";
import type { Workshop } from "../../../test/support/workshop.ts";
import type { Contract, Daemon, Key, Notification, Question, Task } from "../../protocol/api.ts";
import { clientFor } from "../http.ts";

let shop: Workshop;
before(async () => {
  shop = await makeWorkshop({ agent: { program: "works-until-told.sh" } });
});
after(() => shop[Symbol.asyncDispose]());

const { makima, json } = saidIn(() => shop);

async function start(goal: string, ...options: string[]): Promise<{ contract: Contract; task: Task }> {
  return json("run", goal, "--agent", "works-until-told", "--detach", ...options);
}

async function statusOf(task: Task): Promise<Task["status"] | undefined> {
  const { tasks } = await json<{ tasks: Task[] }>("ps", "--all");
  return tasks.find(({ id }) => id === task.id)?.status;
}

test("a key is shown once or written to a private file, opens the server, and is revoked", async () => {
  await makima("ps");
  const { url } = JSON.parse(await readFile(join(shop.machine.makimaHome, "server.json"), "utf8")) as { url: string };
  const file = join(shop.machine.root, "ada.key");
  const created = await makima("key", "create", "--kind", "user", "--name", "Ada", "--out", file);
  const token = (await readFile(file, "utf8")).trim();
  assert.match(token, /^mk_user_/);
  assert.ok(!created.includes(token), "a key in a file is not printed");
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  refused(
    await shop.makima("key", "create", "--kind", "user", "--name", "Eve", "--out", file),
    5,
    /is a file .*already/,
  );

  const environment = { env: { MAKIMA_API_URL: url, MAKIMA_API_KEY: token } };
  assert.equal((await shop.machine.makima(["key", "list"], environment)).code, 0);
  const { keys } = await json<{ keys: Key[] }>("key", "list");
  const ada = keys.find(({ name }) => name === "Ada");
  assert.equal(ada?.kind, "user");
  assert.ok(!keys.some(({ name }) => name === "Eve"), "no key is made where it cannot be kept");
  assert.match(await makima("key", "revoke", ada.id), /^Revoked the user key \S+ of Ada\.$/m);
  refused(await shop.machine.makima(["key", "list"], environment), 4, /^makima: /);
  assert.match(await makima("key", "list", "--all"), new RegExp(`^${ada.id} +user +revoked .* Ada$`, "m"));
});

test("the daemons of a server are listed, and one that is online is not removed", async () => {
  const { daemons } = await json<{ daemons: Daemon[] }>("daemon", "list");
  const [daemon] = daemons;
  assert.ok(daemon !== undefined && daemon.online);
  assert.match(await makima("daemon", "list"), new RegExp(`${daemon.name} .*online +0/${daemon.maxTasks}`));
  refused(await shop.makima("daemon", "remove", daemon.id), 5, /^makima: The daemon/);
});

test("a task is paused, told something, and goes on", async () => {
  const { task } = await start("Take your time");
  await fileInHome(shop.machine, "pid");
  assert.match(await makima("pause", task.id), /^Pausing Take your time/);
  await until(async () => (await statusOf(task)) === "paused", "the task is paused");
  assert.match(await makima("ps"), /paused/);
  assert.match(await makima("resume", task.id, "--detach"), new RegExp(`^Task ${task.id} goes on\\.$`, "m"));
  await until(async () => (await statusOf(task)) === "running", "the task runs again");
  assert.match(await makima("message", task.id, "Be kind"), /^Told the agent of Take your time/);
  const watching = outcomeOf(shop.machine.start(["logs", task.id, "-f"], { cwd: shop.repository }));
  await writeFile(join(shop.machine.home, "finish"), "");
  const { code, stdout, stderr } = await watching;
  assert.equal(code, 0, stderr);
  for (const part of [/^Paused by a person/m, /^Resumed$/m, /^Message to the agent: Be kind$/m, /→ done/]) {
    assert.match(stdout, part);
  }
  const { notifications } = await json<{ notifications: Notification[] }>("notification", "list", "--unread");
  const finished = notifications.find(({ taskId }) => taskId === task.id);
  assert.equal(finished?.kind, "task-finished");
  assert.match(await makima("notification", "read", finished.id), new RegExp(`makima logs ${task.id.slice(-8)}`));
  assert.match(await makima("notification", "dismiss", "--all"), /^Dismissed \d+ notification/);
  assert.equal(await makima("notification", "list"), "There is nothing to see.\n");
});

test("a task that no daemon can take says why, and is followed until it is stopped", async () => {
  const { task } = await start("Train it", "--label", "gpu=yes");
  assert.deepEqual(task.status, "pending");
  const shown = await until(async () => /pending.*gpu/.exec(await makima("ps")), "the reason is shown");
  assert.ok(shown[0].includes("Train it"));
  const watching = outcomeOf(shop.machine.start(["logs", task.id, "-f"], { cwd: shop.repository }));
  await makima("stop", task.id);
  assert.equal((await watching).code, 0);
});

test("a contract is shown, renamed, paused, resumed, completed and deleted", async () => {
  const { contract, task } = await start("Do this", "--label", "gpu=yes");
  const { id } = contract;
  assert.match(await makima("contract", "list"), new RegExp(`^${id.slice(-8)} +active .*Do this$`, "m"));
  assert.match(await makima("contract", "show", id), new RegExp(`Do this[^]*^${task.id.slice(-8)} +pending`, "m"));
  await makima("contract", "update", id, "--name", "Do that");
  const steps: [verb: string, status: Contract["status"]][] = [
    ["pause", "paused"],
    ["resume", "active"],
  ];
  for (const [verb, status] of steps) {
    const reply = await json<{ contract: Contract }>("contract", verb, id);
    assert.deepEqual([reply.contract.name, reply.contract.status], ["Do that", status]);
  }
  refused(await shop.makima("contract", "complete", id), 5, /^makima: /);
  await makima("stop", task.id);
  assert.match(await makima("contract", "complete", id), /^Completed Do that/);
  assert.match(await makima("contract", "delete", id), /^Deleted Do that/);
});

test("a question is listed, shown and answered", async () => {
  const { task } = await start("Ask me", "--label", "gpu=yes");
  const { url } = JSON.parse(await readFile(join(shop.machine.makimaHome, "server.json"), "utf8")) as { url: string };
  const key = (await readFile(join(shop.machine.makimaHome, "user.key"), "utf8")).trim();
  const choices = ["old", "new"];
  const asked = await clientFor({ url, key }).call("askQuestion", {
    id: task.id,
    text: "Which\u001b[2J name?",
    choices,
  });
  const { id } = asked.question;
  assert.match(await makima("question", "list"), new RegExp(`^${id.slice(-8)} +open .*Which name\\?$`, "m"));
  assert.match(await makima("question", "show", id), /^Which name\?\n {2}- old\n {2}- new$/m);
  const answered = await json<{ question: Question }>("question", "answer", id, "new");
  assert.deepEqual([answered.question.status, answered.question.answer], ["answered", "new"]);
  assert.equal(await makima("question", "list"), "No question waits for an answer.\n");
  refused(await shop.makima("question", "answer", id, "old"), 5, /^makima: /);
  await makima("stop", task.id);
});
