import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import type { CommandLineOptions } from "../../../../test/support/command-line.ts";
import { newSupervisedWorld } from "../../../../test/support/supervised.ts";
import type { SupervisedWorld } from "../../../../test/support/supervised.ts";
import type { Question, Task } from "../../../protocol/api.ts";
import { finished } from "../../../server/testing/data.ts";
import { call, until } from "../../../server/testing/harness.ts";

let world: SupervisedWorld;
beforeEach(async () => {
  world = await newSupervisedWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

interface Outcome {
  code: number;
  /** Of each task by its name. */
  states: Record<string, Task["status"]>;
  stderr: string;
}

/** `makima supervisor wait` of the supervisor. */
async function wait(args: string[], options: Omit<CommandLineOptions, "env"> = {}): Promise<Outcome> {
  const { code, stdout, stderr } = await world.agent(["supervisor", "wait", ...args, "--json"], options);
  const { tasks } = JSON.parse(stdout) as { tasks: Task[] };
  return { code, states: Object.fromEntries(tasks.map(({ name, status }) => [name, status])), stderr };
}

/** The same, once it knows what it waits for. */
async function waiting(...args: string[]): Promise<{ outcome: Promise<Outcome> }> {
  const begun = Promise.withResolvers<void>();
  const onProgress = (text: string) => (text.startsWith("Waiting for ") ? begun.resolve() : undefined);
  const outcome = wait(args, { onProgress });
  await Promise.race([begun.promise, outcome]);
  return { outcome };
}

/** Of a task that no daemon can take. */
async function spawn(name: string): Promise<string> {
  const { contractId: id } = world.supervised;
  return (await call(world.server, "createTask", { id, name, goal: "x", labels: { gpu: "yes" } })).task.id;
}

async function stop(id: string): Promise<void> {
  await call(world.server, "stopTask", { id });
}

test("a wait for named tasks ends when each has ended, with --any when one has", async () => {
  const [a, b] = [await spawn("A"), await spawn("B")];
  const both = await waiting(a, b);
  const one = await waiting(a, b, "--any");
  await stop(b);
  const { code, states } = await one.outcome;
  assert.deepEqual([code, states], [1, { A: "pending", B: "cancelled" }]);
  await stop(a);
  assert.deepEqual((await both.outcome).states, { A: "cancelled", B: "cancelled" });
  assert.equal((await wait([a, "--any"])).code, 1, "what has ended before is told at once");
});

test("completed tasks are what was wanted", async () => {
  const { own } = world;
  const printed = world.person(["supervisor", "wait", own.taskId]);
  await call(world.server, "withdrawQuestion", { id: own.questionId });
  await world.happen(own, finished());
  const { code, stdout } = await printed;
  assert.equal(code, 0);
  assert.match(stdout, /^TASK .*\n.* completed .* Mend the parser\n$/);
});

test("--all waits for what is spawned meanwhile too, and never for supervisors", async () => {
  assert.deepEqual(await wait(["--all"]), { code: 0, states: {}, stderr: "" });
  const first = await spawn("First");
  const { outcome } = await waiting("--all");
  const second = await spawn("Second");
  await stop(first);
  await stop(second);
  const { code, states } = await outcome;
  assert.deepEqual([code, states], [1, { First: "cancelled", Second: "cancelled" }]);
});

test("--any without ids is about what is at work", async () => {
  await stop(await spawn("Over"));
  const none = await world.agent(["supervisor", "wait", "--any"]);
  assert.equal(none.code, 5);
  assert.match(none.stderr, /^makima: No task of the contract is at work\n/);
  const id = await spawn("At work");
  const { outcome } = await waiting("--any");
  await stop(id);
  assert.deepEqual((await outcome).states, { "At work": "cancelled" });
});

test("a wait that takes too long, or is interrupted, says what there is by then", async () => {
  const id = await spawn("Slow");
  const late = await wait([id, "--timeout", "50ms"]);
  assert.deepEqual([late.code, late.states], [7, { Slow: "pending" }]);
  assert.equal((JSON.parse(late.stderr) as { error: { code: string } }).error.code, "timed_out");
  for (const interrupt of [AbortSignal.abort(), AbortSignal.timeout(100)]) {
    const given = await wait([id], { interrupt });
    assert.deepEqual([given.code, given.states], [130, { Slow: "pending" }]);
  }
});

/** The question that was asked last. */
async function asked(): Promise<Question> {
  const open = async () =>
    (await call(world.server, "listQuestions", { open: "true", contract: world.supervised.contractId })).questions;
  await until(async () => (await open()).length > 1);
  const [question] = await open();
  if (question === undefined) throw new Error("no question");
  return question;
}

test("a question waits for its answer, which is all that is printed", async () => {
  const printed = world.agent(["supervisor", "ask", "-", "--choice", "old", "--choice", "new"], { input: "Which?\n" });
  const { id, text, choices, taskId } = await asked();
  assert.deepEqual([text, choices, taskId], ["Which?", ["old", "new"], world.supervised.taskId]);
  await call(world.server, "answerQuestion", { id, answer: "new" });
  assert.deepEqual(await printed.then(({ code, stdout, stderr }) => [code, stdout, stderr]), [0, "new\n", ""]);
});

test("a question that is withdrawn has no answer", async () => {
  const printed = world.agent(["supervisor", "ask", "Which?", "--json"]);
  const { id } = await asked();
  await call(world.server, "withdrawQuestion", { id });
  const { code, stdout } = await printed;
  assert.deepEqual([code, (JSON.parse(stdout) as { question: Question }).question.status], [1, "withdrawn"]);
});

test("a question that nobody answers in time stays open", async () => {
  const { code, stdout, stderr } = await world.agent(["supervisor", "ask", "Which?", "--timeout", "50ms", "--json"]);
  assert.equal(code, 7);
  const { question } = JSON.parse(stdout) as { question: Question };
  assert.match(stderr, /stays open/);
  assert.equal((await call(world.server, "getQuestion", { id: question.id })).question.status, "open");
  const plain = await world.agent(["supervisor", "ask", "Which?", "--timeout", "50ms"]);
  assert.deepEqual([plain.code, plain.stdout], [7, ""]);
  assert.match(plain.stderr, /^makima: .*\nhint: The question stays open: .*makima question show \w{8}/);
});
