import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { usageLimit, write } from "../scripted-model/script.ts";
import type { Script } from "../scripted-model/script.ts";
import { until } from "../support/until.ts";
import { claim, makeWorkshop } from "../support/workshop.ts";

/** Longer than Claude Code takes to report the limit, or the reset would be past (ms). */
const RESETS_AFTER = 8_000;

describe("a usage limit", { concurrency: true }, () => {
  it("is waited for, and is neither an iteration nor an error", async () => {
    const { script, resetsAt } = limitedAtFirst(RESETS_AFTER);
    await using shop = await makeWorkshop({ login: "subscription", turns: script });
    // With one iteration allowed, a wait that counted would end the run.
    const { result } = shop.startRun("Write a text", "--max-iterations", "1");
    const waiting = await until(async () => {
      const task = await shop.task();
      return task?.status === "waiting" ? task : null;
    }, "the task waits");
    const wait = (waiting.waitUntil ?? 0) - resetsAt();
    assert.ok(wait >= 0 && wait <= 2_000, `waits until ${wait} ms after the reset`);
    assert.match(waiting.reason ?? "", /limit/);
    assert.equal(waiting.iterations, 0);

    const { code, document, stderr } = await result;
    assert.equal(code, 0, stderr);
    assert.ok(Date.now() >= resetsAt());
    assert.deepEqual(
      document.iterations.map(({ verdict, error }) => [verdict, error]),
      [
        ["wait", null],
        ["done", null],
      ],
    );
    assert.equal(new Set(document.iterations.map(({ sessionId }) => sessionId)).size, 1);
    assert.equal((await shop.task())?.iterations, 1);
    assert.equal(shop.show(document.task.branch, "a.md"), "text");
  });

  it("fails the task where waiting is not wanted, and keeps it resumable", async () => {
    const { script } = limitedAtFirst(3_600_000);
    const config = "[loop]\nwaitForUsageLimit = false\n";
    await using shop = await makeWorkshop({ login: "subscription", turns: script, config });
    const limited = await shop.run("Write a text");
    assert.equal(limited.code, 1);
    assert.equal(limited.document.task.status, "failed");
    assert.match(limited.document.task.reason ?? "", /limit/);
    const { code, document, stderr } = await shop.resume(limited.document.task.id);
    assert.equal(code, 0, stderr);
    assert.equal(document.iterations[0]?.sessionId, limited.document.iterations[0]?.sessionId);
  });

  it("ends its wait when the task is stopped", async () => {
    const { script } = limitedAtFirst(3_600_000);
    await using shop = await makeWorkshop({ login: "subscription", turns: script });
    const { result } = shop.startRun("Write a text");
    const { id } = await until(async () => {
      const task = await shop.task();
      return task?.status === "waiting" ? task : null;
    }, "the task waits");
    const stopped = await shop.makima("stop", id);
    assert.equal(stopped.code, 0, stopped.stderr);
    const { code, document } = await result;
    assert.deepEqual([code, document.task.status], [130, "cancelled"]);
  });
});

/** A script whose first iteration meets a limit that is lifted `after` ms from then. */
function limitedAtFirst(after: number): { script: Script; resetsAt: () => number } {
  let resetsAt = 0;
  return {
    script: ({ iteration }) => {
      if (iteration > 0) return [write("a.md", "text\n"), claim()];
      // The limit is told in whole seconds.
      resetsAt = Math.ceil((Date.now() + after) / 1000) * 1000;
      return [usageLimit(resetsAt)];
    },
    resetsAt: () => resetsAt,
  };
}
