import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newSupervisedWorld } from "../../../../test/support/supervised.ts";
import type { SupervisedWorld } from "../../../../test/support/supervised.ts";
import { shortId } from "../../../core/ids.ts";
import type { Task } from "../../../protocol/api.ts";
import { finished, iterationStarted, verdict } from "../../../server/testing/data.ts";
import { call } from "../../../server/testing/harness.ts";

let world: SupervisedWorld;
before(async () => {
  world = await newSupervisedWorld();
});
after(() => world[Symbol.asyncDispose]());

async function makima(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await world.agent(["supervisor", ...args]);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function spawn(name: string, ...args: string[]): Promise<string> {
  return (await makima("spawn", name, "--plan", "Do it", ...args)).split("\n", 1)[0] ?? "";
}

async function taskOf(id: string): Promise<Task> {
  return (await call(world.server, "getTask", { id })).task;
}

test("a task is spawned with what is said, and else as its contract has it; its id comes first", async () => {
  const first = await spawn("First");
  const { runId: _, ...plain } = await taskOf(first);
  assert.deepEqual([plain.name, plain.parentId, plain.after], ["First", world.supervised.taskId, []]);
  const options = ["--after", shortId(first), "--base", "main", "--label", "gpu=yes", "--repo", "/srv/repository"];
  const limits = ["--max-iterations", "3", "--budget", "1.5", "--timeout", "1h", "--check", "make", "--agent", "other"];
  const second = await spawn("Second", ...options, ...limits);
  const task = await taskOf(second);
  assert.deepEqual([task.after, task.labels, task.agent], [[first], { gpu: "yes" }, "other"]);
  const elsewhere = await world.agent(["supervisor", "spawn", "X", "--plan", "x", "--repo", "/elsewhere"]);
  assert.deepEqual([elsewhere.code, elsewhere.stdout], [2, ""]);

  assert.match(await makima("tasks"), /^TASK .*\n.* Second.*\n.* First.*\n.* Mend the parser.*\n$/);
  const tree = await makima("tree");
  const short = shortId(first);
  assert.match(tree, new RegExp(`Mend the parser \\(supervisor\\)\n.*├─ First\n.*└─ Second \\(after ${short}\\)\n$`));
  const nested = JSON.parse(await makima("tree", "--json")) as { tree: { children: { task: Task }[] }[] };
  assert.deepEqual(
    nested.tree[0]?.children.map((child) => child.task.id),
    [first, second],
  );
  const shown = await makima("task", second);
  assert.match(shown, /^ {2}parent +Mend the parser \(/m);
  assert.match(shown, new RegExp(`^  after +First \\(${short}\\), `, "m"));
});

test("a task is shown with its iterations, and while it is live with what is changed in its checkout", async () => {
  const { own } = world;
  const checkout = { type: "checkout", at: 1, worktree: "/w/1", base: "b".repeat(40), excluded: 0 } as const;
  const gate = { ready: false, reason: "Half\u0007 done", progress: null, blockers: [], extra: {} };
  await world.happen(own, { ...checkout, head: "h", tree: "t", checks: [] }, iterationStarted(1), verdict(1, { gate }));
  await call(world.server, "createReport", { id: own.contractId, text: "By a person" });
  await world.agent(["contract", "report", "Half\u0007 done"], { side: own });
  const live = world.agent(["supervisor", "task"], { side: own });
  await world.carryOut("GetDiff", {
    base: "b".repeat(40),
    head: "h".repeat(40),
    files: [{ path: "a\u0007.txt", status: "added", insertions: 2, deletions: 0 }],
    insertions: 2,
    deletions: 0,
    diff: null,
    truncated: false,
  });
  const { stdout } = await live;
  for (const part of [
    /^ {2}changes +1 file, \+2 -0\n +A a\\x07\.txt \+2 -0$/m,
    /^ {2}checkout +\/w\/1$/m,
    /^ {2}#1 not ready, changed files, \$0\.50, 0\.0s → continue: not ready\n {6}agent: Half\\x07 done$/m,
    /^Reports:\n.* Half\\x07 done\n$/m,
  ]) {
    assert.match(stdout, part);
  }
  await world.happen(own, finished());
  assert.match((await world.person(["supervisor", "task", own.taskId])).stdout, /^ {2}changes +1 file, \+2 -3$/m);
});

test("tasks are told something, cancelled with a reason, and resumed with a message", async () => {
  const id = await spawn("Doomed", "--label", "gpu=yes");
  assert.match(await makima("message", id, "Be kind"), /^Told the agent of Doomed/);
  await makima("cancel", id, "--reason", "Not needed");
  assert.equal((await taskOf(id)).reason, "Not needed");
  const refused = await world.agent(["supervisor", "message", id, "Hello?"]);
  assert.equal(refused.code, 5);
  assert.match(refused.stderr, /resume/);
  assert.match(await makima("resume", id, "--message", "Needed after all"), /^Doomed \(.*\) gets a new run\.$/m);
  assert.equal((await taskOf(id)).status, "pending");
  await makima("cancel", id);
  assert.equal((await taskOf(id)).reason, "Cancelled by the supervisor");
});

test("a contract's status is shown; it advances only when its phase has delivered", async () => {
  assert.match(await makima("status"), /Deliverables of plan/);
  const early = await world.agent(["supervisor", "advance-phase"]);
  assert.equal(early.code, 5);
  assert.match(early.stderr, /^makima: .*plan/);
  const forced = await world.agent(["supervisor", "advance-phase", "--force"]);
  assert.equal(forced.code, 4, forced.stderr);
  await call(world.server, "createFile", { id: world.supervised.contractId, name: "plan", content: "# Plan" });
  assert.match(await makima("advance-phase"), /is now in the phase execute\.\n$/);
});

const USAGE: [args: string[], message: RegExp][] = [
  [["spawn", "Name"], /no plan/],
  [["spawn", "Name", "--plan", " "], /The plan is empty/],
  [["wait"], /No task is named/],
  [["wait", "--all", "3f"], /exclude each other/],
  [["wait", "--all", "--any"], /exclude each other/],
  [["checkpoint"], /no message/],
  [["branch", "delete", "x"], /"branch delete x" is not understood/],
  [["branch", "create"], /"branch create" is not understood/],
  [["branch", "list", "--from", "x"], /"branch list" is not understood/],
  [["pr", "3f", "--contract", "3f"], /exclude each other/],
];

for (const [args, message] of USAGE) {
  test(`makima supervisor ${args.join(" ")} is a usage error`, async () => {
    const { code, stdout, stderr } = await world.agent(["supervisor", ...args]);
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.match(stderr, new RegExp(`^makima: .*${message.source}.*\nhint: .+\n$`));
  });
}
