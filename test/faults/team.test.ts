import assert from "node:assert/strict";
import { test } from "node:test";
import { openStage } from "../support/team-stage.ts";
import { until } from "../support/until.ts";

/**
 * Two servers and three daemons on one PostgreSQL. While agents work, a daemon is killed and comes back, another one is
 * killed and stays away until its tasks have been given to others, a server is killed, the database is stopped, and
 * contracts are made all the time. Then all must come to its end, with every invariant true. In random order: test/soak.
 */
test("a team survives the loss of daemons, a server and the database", { timeout: 240_000 }, async () => {
  await using stage = await openStage({ servers: 2, daemons: 3, lostAfter: "5s" });
  const { team, postgres, create, tasks, daemonsOnline } = stage;
  await until(async () => (await daemonsOnline()) === 3, "three daemons are there");
  await create(4);
  await until(async () => (await tasks()).every(({ status }) => status === "running"), "all run");

  const [returning, lost] = team.daemons;
  const [doomed] = team.servers;
  assert.ok(returning !== undefined && lost !== undefined && doomed !== undefined);
  await returning.kill();
  await doomed.kill();
  await create(1);
  await returning.start();
  const making = create(2);
  await postgres.stop("immediate");
  await postgres.start();
  await making;
  await doomed.start();

  await lost.kill();
  await until(async () => (await tasks()).some(({ unreachable }) => unreachable), "tasks become unreachable");
  await until(async () => (await tasks()).every(({ unreachable }) => !unreachable), "tasks are given to others");
  await lost.start();
  await until(async () => (await daemonsOnline()) === 3, "all are back");
  await create(1);
  await stage.end();
});
