import assert from "node:assert/strict";
import { test } from "node:test";
import { twoAgents } from "../testing/agents.ts";
import { call } from "../testing/harness.ts";
import { newWorld } from "../testing/world.ts";

test("an agent asks with its task's key, and a person answers", async () => {
  await using world = await twoAgents();
  const { mine, user } = world;
  const { question } = await call(mine, "askQuestion", { id: mine.taskId, text: "Which?", choices: ["a", "b"] });
  const row = await call(user, "getTask", { id: mine.taskId });
  assert.deepEqual([row.task.status, row.task.reason], ["waiting", "Asked: Which?"]);
  const { questions } = await call(user, "listQuestions", { open: true, contract: mine.contractId });
  assert.deepEqual(questions, [question]);

  await assert.rejects(call(user, "answerQuestion", { id: question.id, answer: "c" }), /400.*invalid_request/);
  await call(user, "answerQuestion", { id: question.id, answer: "b" });
  assert.equal((await call(mine, "getQuestion", { id: question.id })).question.answer, "b");
  assert.equal((await call(user, "getTask", { id: mine.taskId })).task.status, "running");
  await assert.rejects(call(user, "withdrawQuestion", { id: question.id }), /409.*conflict/);
});

test("a task's key asks, sees and withdraws what is its own only", async () => {
  await using world = await twoAgents();
  const { mine, other, user } = world;
  await assert.rejects(call(mine, "askQuestion", { id: other.taskId, text: "Which?" }), /403.*forbidden/);
  const { question: theirs } = await call(other, "askQuestion", { id: other.taskId, text: "Theirs?" });
  const { question: persons } = await call(user, "askQuestion", { id: mine.taskId, text: "A person's?" });
  const { question: own } = await call(mine, "askQuestion", { id: mine.taskId, text: "Mine?" });

  await assert.rejects(call(mine, "getQuestion", { id: theirs.id }), /403.*forbidden/);
  await assert.rejects(call(mine, "listQuestions", { contract: other.contractId }), /403.*forbidden/);
  const { questions } = await call(mine, "listQuestions", {});
  assert.deepEqual(new Set(questions.map(({ id }) => id)), new Set([persons.id, own.id]));
  for (const { id } of [theirs, persons]) {
    await assert.rejects(call(mine, "withdrawQuestion", { id }), /403.*forbidden/);
  }
  await assert.rejects(call(mine, "answerQuestion", { id: own.id, answer: "x" }), /403.*forbidden/);
  assert.equal((await call(mine, "withdrawQuestion", { id: own.id })).question.status, "withdrawn");
  assert.equal((await call(user, "withdrawQuestion", { id: persons.id })).question.status, "withdrawn");
});

test("so does a supervisor's key, for its own task and no other of its contract", async () => {
  await using world = await newWorld();
  const { server, supervised } = world;
  const supervisor = { ...server, userKey: supervised.taskToken };
  const { contractId, taskId, questionId } = supervised;
  const { task } = await call(supervisor, "createTask", { id: contractId, name: "A part", goal: "Do a part" });
  assert.equal(task.parentId, taskId);
  await assert.rejects(call(supervisor, "askQuestion", { id: task.id, text: "Which?" }), /403.*its own task/);
  await assert.rejects(call(supervisor, "withdrawQuestion", { id: questionId }), /403.*its own run/);
  const { question } = await call(supervisor, "askQuestion", { id: taskId.slice(-12), text: "Which?" });
  const { question: withdrawn } = await call(supervisor, "withdrawQuestion", { id: question.id.slice(-12) });
  assert.deepEqual([withdrawn.id, withdrawn.status], [question.id, "withdrawn"]);
});
