import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { openBench, printGate } from "../../../test/support/run.ts";
import type { Bench } from "../../../test/support/run.ts";
import { systemClock } from "../../platform/clock.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import { carryOn } from "./run.ts";

/** More daemons than any of these runs has events. */
const MAX_DAEMONS = 100;

/** Refused once, with a check that leaves things lying about, then done. */
const REFUSED_THEN_DONE = {
  agent: `echo "$n" >>work; [ $n -lt 2 ] || touch right; ${printGate(true)}`,
  spec: { checks: ["touch built; echo x >>a.txt; test -f right", "test -f built"] },
};

describe("a run whose daemons die", () => {
  it("after every single write to the journal ends as if nothing had happened", async () => {
    await using bench = await openBench(REFUSED_THEN_DONE);
    let daemons = 0;
    for (; !(await hasEnded(bench)) && daemons < MAX_DAEMONS; daemons += 1) await liveAndDie(bench, 1);
    assert.ok(daemons > 10, `${daemons} daemons`);
    await assertRefusedThenDone(bench);
  });

  it("between every deed and its record, too", async () => {
    await using bench = await openBench(REFUSED_THEN_DONE);
    // Every other daemon does what comes next and dies before it can write that down.
    let daemons = 0;
    for (; !(await hasEnded(bench)) && daemons < MAX_DAEMONS; daemons += 1) await liveAndDie(bench, daemons % 2);
    await assertRefusedThenDone(bench);
  });

  it("in the middle of giving up leave nothing behind where nothing was done", async () => {
    await using bench = await openBench({ agent: "exit 1" });
    for (const _write of ["started", "checkout"]) await liveAndDie(bench, 1);
    // The agent was uninstalled meanwhile.
    bench.services.loadAgents = async () => ({});
    for (let daemons = 0; !(await hasEnded(bench)); daemons += 1) await liveAndDie(bench, daemons % 2);
    const { outcome, errorCode, worktree, branchKept } = await bench.finished();
    assert.deepEqual([outcome, errorCode, worktree, branchKept], ["failed", "agent_missing", null, false]);
    const { repository } = bench;
    assert.equal(repository.run(repository.dir, "branch", "--list", "makima/*"), "");
    assert.deepEqual(bench.checkouts(), []);
  });
});

describe("a full disk", () => {
  it("holds a run up and does not end it", async () => {
    const pauses: number[] = [];
    const clock = {
      now: () => systemClock.now(),
      sleep: async (ms: number) => void pauses.push(ms),
    };
    await using bench = await openBench({ agent: `touch new; ${printGate(true)}`, clock });
    await using hold = await bench.takeUp();
    const { directory } = hold.context;
    const append = directory.append.bind(directory);
    let refusals = 0;
    directory.append = (events, options) => {
      if (events.some(({ type }) => ["gate", "verdict", "finished"].includes(type)) && (refusals += 1) % 3 !== 0) {
        throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      }
      append(events, options);
    };
    await carryOn(hold.context);
    assert.equal((await bench.finished()).outcome, "completed");
    assert.equal(refusals, 9);
    assert.deepEqual(new Set(pauses), new Set([5_000]));
    assert.equal((await bench.events()).filter(({ type }) => type === "verdict").length, 1);
  });
});

async function hasEnded(bench: Bench): Promise<boolean> {
  return existsSync(bench.path) && (await bench.events()).at(-1)?.type === "finished";
}

/** A daemon that can write to the journal so many times and then never again. */
async function liveAndDie(bench: Bench, writes: number): Promise<void> {
  await using hold = await bench.takeUp();
  const { directory } = hold.context;
  const append = directory.append.bind(directory);
  let left = writes;
  directory.append = (events, options) => {
    if (left > 0) append(events, options);
    left -= 1;
    if (left > 0) return;
    hold.detach.abort(new DOMException("died", "AbortError"));
    if (left < 0) throw new Error("the dead do not write");
  };
  await carryOn(hold.context);
}

async function assertRefusedThenDone(bench: Bench): Promise<void> {
  const { repository, spec } = bench;
  const events = await bench.events();
  const { outcome, verification, head, worktree, diffStat } = await bench.finished();
  assert.deepEqual([outcome, verification, worktree, diffStat?.files], ["completed", "verified", null, 2]);
  assert.deepEqual(told(events, "verdict"), ["1 continue", "2 done"]);
  assert.deepEqual(told(events, "iteration-started"), ["1", "2"]);
  assert.deepEqual(told(events, "check"), ["1 1", "1 2", "2 1", "2 2"]);
  assert.equal(events.filter(({ type }) => type === "baseline").length, 1);
  assert.equal(repository.run(repository.dir, "rev-parse", spec.branch), head);
  // Of the checks' doing nothing is left, and each agent worked once.
  assert.equal(repository.run(repository.dir, "diff", "--name-only", repository.base, spec.branch), "right\nwork");
  assert.equal(repository.run(repository.dir, "show", `${spec.branch}:work`), "1\n2");
  assert.deepEqual(bench.checkouts(), []);
}

function told(events: readonly RunEvent[], type: "verdict" | "iteration-started" | "check"): string[] {
  return events.flatMap((event) => {
    if (event.type !== type) return [];
    if (event.type === "verdict") return [`${event.index} ${event.verdict}`];
    return event.type === "check" ? [`${event.index} ${Number(event.check.stream.split("/")[3])}`] : [`${event.index}`];
  });
}
