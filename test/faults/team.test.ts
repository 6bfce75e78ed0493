import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { persistentClient } from "../../src/cli/http.ts";
import { openSocket } from "../../src/cli/socket.ts";
import type { Client } from "../../src/client/client.ts";
import { Subscriber } from "../../src/client/subscriber.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { defaultConfig } from "../../src/platform/config/config.ts";
import type { Task } from "../../src/protocol/api.ts";
import { Store } from "../../src/server/db/store.ts";
import { silent } from "../../src/server/testing/harness.ts";
import { startPostgres } from "../../src/server/testing/postgres.ts";
import type { PostgresCluster } from "../../src/server/testing/postgres.ts";
import { violations } from "../support/invariants.ts";
import { hashRepository, openTestRepository } from "../support/repository.ts";
import { makeTeam } from "../support/team.ts";
import type { Team } from "../support/team.ts";
import { until } from "../support/until.ts";

/**
 * Two servers and three daemons on one PostgreSQL. While agents work, a daemon is killed and comes back, another one is
 * killed and stays away until its tasks have been given to others, a server is killed, the database is stopped, and
 * contracts are made all the time. Then all must come to its end, with every invariant true.
 */
test("a team survives the loss of daemons, a server and the database", { timeout: 240_000 }, async () => {
  await using postgres = await startPostgres();
  const databaseUrl = await postgres.createDatabase();
  await using repository = await openTestRepository();
  const hash = await hashRepository(repository.dir);
  await using team = await makeTeam({ databaseUrl, servers: 2, daemons: 3, lostAfter: "5s" });
  const endpoint = { url: team.url, key: await team.key() };
  const client = persistentClient(
    async () => endpoint,
    () => undefined,
  );
  await until(async () => (await daemonsOnline(client)) === 3, "three daemons are there");

  await using viewer = new Subscriber({ endpoint: async () => endpoint, openSocket, giveUpAfter: 60_000 });
  const seen = watchChanges(viewer);
  const acknowledged: string[] = [];
  const create = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) acknowledged.push(await createContract(client, repository));
  };
  await create(6);
  await until(async () => (await tasks(client)).every(({ status }) => status === "running"), "all run");

  await throughFaults({ team, postgres, client, create });
  await team.finish();
  await until(async () => (await tasks(client)).every(({ status }) => status === "completed"), "all are completed");

  const { latest } = await client.call("listChanges", { from: 0, limit: 1 });
  await until(() => seen.length >= latest, "the viewer has seen every change");
  assert.deepEqual(
    seen.slice(0, latest),
    Array.from({ length: latest }, (_, index) => index + 1),
  );
  await using store = await Store.open({ kind: "postgres", url: databaseUrl }, systemClock, silent);
  const world = {
    store,
    acknowledged,
    transcripts: team.transcripts,
    repository: { path: repository.dir, hash },
  };
  // The daemon that came back stops its fenced runs and saves their work in its own time.
  let found = await violations(world);
  await until(async () => (found = await violations(world)).length === 0, "no invariant is violated").catch(() =>
    assert.deepEqual(found, []),
  );
});

interface Stage {
  team: Team;
  postgres: PostgresCluster;
  client: Client;
  /** Makes contracts; resolves when they are acknowledged. */
  create: (count: number) => Promise<void>;
}

async function throughFaults({ team, postgres, client, create }: Stage): Promise<void> {
  const [returning, lost] = team.daemons;
  const [doomed] = team.servers;
  assert.ok(returning !== undefined && lost !== undefined && doomed !== undefined);
  await returning.kill();
  await doomed.kill();
  await create(2);
  await returning.start();
  const making = create(3);
  await postgres.stop("immediate");
  await postgres.start();
  await making;
  await doomed.start();

  await lost.kill();
  await until(async () => (await tasks(client)).some(({ unreachable }) => unreachable), "tasks become unreachable");
  await until(async () => (await tasks(client)).every(({ unreachable }) => !unreachable), "tasks are given to others");
  await lost.start();
  await until(async () => (await daemonsOnline(client)) === 3, "all are back");
  await create(1);
}

interface Place {
  dir: string;
  base: string;
}

/** A contract with one task; its name, once the server has said that it is made. */
async function createContract(client: Client, { dir: repository, base }: Place): Promise<string> {
  const name = `count-${randomUUID()}`;
  const settings = { autonomousLoop: true, limits: { ...defaultConfig().loop, baseline: false } };
  await client.call("createContract", { name, goal: "Count", agent: "fake", repository, base, settings });
  return name;
}

async function tasks(client: Client): Promise<Task[]> {
  return (await client.call("listTasks", { limit: 500 })).tasks;
}

async function daemonsOnline(client: Client): Promise<number> {
  return (await client.call("listDaemons", {})).daemons.filter(({ online }) => online).length;
}

/** Sequence numbers of the changes as the viewer gets them. */
function watchChanges(viewer: Subscriber): number[] {
  const seen: number[] = [];
  void (async () => {
    for await (const { seq } of viewer.changes({ from: 0, follow: true })) seen.push(seq);
  })().catch(() => undefined);
  return seen;
}
