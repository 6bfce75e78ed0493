import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TaskStatus } from "../../src/protocol/api.ts";
import { hang, write } from "../scripted-model/script.ts";
import type { Script } from "../scripted-model/script.ts";
import { until } from "../support/until.ts";
import { claim, makeWorkshop, promptsOf } from "../support/workshop.ts";
import type { Workshop } from "../support/workshop.ts";

/** The agent thinks for ever, until somebody interrupts it; then its session finishes the work. */
const thinksUntilInterrupted: Script = ({ iteration }) =>
  iteration === 0 ? [write("draft.md", "draft\n"), hang()] : [write("a.md", "text\n"), claim()];

describe("a person at a task", { concurrency: true }, () => {
  it("interrupts the agent with a message, and its session goes on with that", async () => {
    await using shop = await makeWorkshop({ turns: thinksUntilInterrupted });
    const { result } = shop.startRun("Write a text", "--max-iterations", "1");
    const id = await atWork(shop);
    const told = await shop.makima("message", id, "Keep it to one word");
    assert.equal(told.code, 0, told.stderr);

    const { code, document, stderr } = await result;
    assert.equal(code, 0, stderr);
    const prompts = promptsOf(shop.model);
    assert.equal(prompts.length, 2);
    assert.match(prompts[1] ?? "", /Keep it to one word/);
    assert.match(prompts[1] ?? "", /COMPLETION_GATE/);
    assert.deepEqual(
      document.iterations.map(({ verdict, error }) => [verdict, error]),
      [
        ["continue", null],
        ["done", null],
      ],
    );
    assert.equal(new Set(document.iterations.map(({ sessionId }) => sessionId)).size, 1, "one session");
    assert.equal((await shop.task())?.iterations, 1, "the interrupted iteration does not count");
    assert.equal(shop.show(document.task.branch, "draft.md"), "draft", "what it had done stays");
  });

  it("pauses a task, whose session goes on when it is resumed", async () => {
    await using shop = await makeWorkshop({ turns: thinksUntilInterrupted });
    const { result } = shop.startRun("Write a text", "--max-iterations", "1");
    const id = await atWork(shop);
    const paused = await shop.makima("pause", id);
    assert.equal(paused.code, 0, paused.stderr);
    await taskIs(shop, "paused");
    assert.equal(promptsOf(shop.model).length, 1);
    const resumed = await shop.makima("resume", id, "--detach");
    assert.equal(resumed.code, 0, resumed.stderr);

    const { code, document, stderr } = await result;
    assert.equal(code, 0, stderr);
    assert.equal(new Set(document.iterations.map(({ sessionId }) => sessionId)).size, 1, "one session");
    assert.equal((await shop.task())?.iterations, 1, "the interrupted iteration does not count");
    assert.equal(shop.show(document.task.branch, "a.md"), "text");
  });

  it("stops a paused task", async () => {
    await using shop = await makeWorkshop({ turns: thinksUntilInterrupted });
    const { result } = shop.startRun("Write a text");
    const id = await atWork(shop);
    await shop.makima("pause", id);
    await taskIs(shop, "paused");
    const stopped = await shop.makima("stop", id);
    assert.equal(stopped.code, 0, stopped.stderr);
    const { code, document } = await result;
    assert.deepEqual([code, document.task.status], [130, "cancelled"]);
  });
});

/** Waits until the agent has used its first tool, and gives the task's id. */
async function atWork(shop: Workshop): Promise<string> {
  await until(() => shop.model.requests.filter(({ role }) => role === "main").length >= 2, "the agent is at work");
  return (await taskIs(shop, "running")).id;
}

function taskIs(shop: Workshop, status: TaskStatus) {
  return until(async () => {
    const task = await shop.task();
    return task?.status === status ? task : null;
  }, `the task is ${status}`);
}
