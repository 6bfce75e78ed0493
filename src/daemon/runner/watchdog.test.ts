import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../../test/support/until.ts";
import { Watchdog } from "./watchdog.ts";

const NEVER = Number.MAX_SAFE_INTEGER;

describe("the watchdog", () => {
  it("tells silence, and only silence", async () => {
    const expired: string[] = [];
    using watchdog = new Watchdog({ idleTimeoutMs: 200, iterationTimeoutMs: NEVER }, 0, (which) => expired.push(which));
    const start = performance.now();
    for (let beat = 0; beat < 6; beat += 1) {
      watchdog.active();
      await sleep(50);
    }
    if (performance.now() - start < 500) assert.deepEqual(expired, []);
    await until(() => expired.length > 0, "silence is told");
    assert.deepEqual(expired, ["idle"]);
  });

  it("counts the time that a process had been running before", async () => {
    const expired: string[] = [];
    const limits = { idleTimeoutMs: NEVER, iterationTimeoutMs: 60_000 };
    using _watchdog = new Watchdog(limits, 60_000, (which) => expired.push(which));
    await until(() => expired.length > 0, "the end of its time is told");
    assert.deepEqual(expired, ["wall"]);
  });

  it("takes a limit beyond the longest timer for a long one, and ends with its owner", async () => {
    const expired: string[] = [];
    {
      using watchdog = new Watchdog({ idleTimeoutMs: NEVER, iterationTimeoutMs: NEVER }, 0, (which) =>
        expired.push(which),
      );
      watchdog.resultSeen();
      watchdog.resultSeen();
      await sleep(20);
    }
    assert.deepEqual(expired, []);
    assert.deepEqual(
      process.getActiveResourcesInfo().filter((resource) => resource === "Timeout"),
      [],
    );
  });
});
