import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "../platform/log.ts";
import { Every } from "./every.ts";
import { openStore, temporaryHome, until } from "./testing/basics.ts";
import { fastClock } from "./testing/fast-clock.ts";

test("it goes on whatever goes wrong, tells of each trouble once, and ends at once", async () => {
  await using home = await temporaryHome();
  await using store = await openStore(home.path);
  const lines: string[] = [];
  const log = createLogger({ level: "error", format: "json", stream: { write: (line) => lines.push(line) } });
  let times = 0;
  {
    await using _ = new Every({ pauseMs: 1_000, store, clock: fastClock(1_000), log, task: "do it" }, async () => {
      times += 1;
      if (times < 10 || times === 20) throw new Error("trouble");
    });
    await until(() => times > 20);
  }
  const ended = times;
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? "", /could not do it/);
  {
    await using _ = new Every({ pauseMs: 3_600_000, store, clock: fastClock(1), log, task: "do it" }, async () => {
      times += 1;
    });
  }
  assert.equal(times, ended);
});
