import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
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
import { violations } from "./invariants.ts";
import { hashRepository, openTestRepository } from "./repository.ts";
import type { TestRepository } from "./repository.ts";
import { makeTeam } from "./team.ts";
import type { Team } from "./team.ts";
import { until } from "./until.ts";

/** A team at work on a PostgreSQL of its own, watched by a viewer that must miss nothing. */
export interface Stage extends AsyncDisposable {
  team: Team;
  postgres: PostgresCluster;
  /** Makes contracts with one task each; resolves when they are acknowledged, however long the server is away. */
  create: (count: number) => Promise<void>;
  tasks: () => Promise<Task[]>;
  daemonsOnline: () => Promise<number>;
  /** Lets all agents come to their end, and throws unless every task is completed and every invariant holds. */
  end: () => Promise<void>;
}

export async function openStage(size: { servers: number; daemons: number; lostAfter: string }): Promise<Stage> {
  await using resources = new AsyncDisposableStack();
  const postgres = resources.use(await startPostgres());
  const databaseUrl = await postgres.createDatabase();
  const repository = resources.use(await openTestRepository());
  const hash = await hashRepository(repository.dir);
  const team = resources.use(await makeTeam({ databaseUrl, ...size }));
  const endpoint = { url: team.url, key: await team.key() };
  const client = persistentClient(
    async () => endpoint,
    () => undefined,
  );
  const viewer = resources.use(new Subscriber({ endpoint: async () => endpoint, openSocket, giveUpAfter: 60_000 }));
  const seen = watchChanges(viewer);
  const acknowledged: string[] = [];
  const tasks = async (): Promise<Task[]> => (await client.call("listTasks", { limit: 500 })).tasks;
  const owned = resources.move();
  return {
    team,
    postgres,
    tasks,
    create: async (count) => {
      for (let index = 0; index < count; index += 1) acknowledged.push(await createContract(client, repository));
    },
    daemonsOnline: async () => (await client.call("listDaemons", {})).daemons.filter(({ online }) => online).length,
    end: async () => {
      await team.finish();
      await until(async () => (await tasks()).every(({ status }) => status === "completed"), "all are completed");
      await requireSeen(client, seen);
      await using store = await Store.open({ kind: "postgres", url: databaseUrl }, systemClock, silent);
      const worktrees = team.daemons.map(({ machine }) => join(machine.makimaHome, "worktrees"));
      const { transcripts } = team;
      const world = { store, acknowledged, transcripts, worktrees, repository: { path: repository.dir, hash } };
      // A daemon that came back stops its fenced runs and saves their work in its own time.
      let found = await violations(world);
      await until(async () => (found = await violations(world)).length === 0, "no invariant is violated").catch(() =>
        assert.deepEqual(found, []),
      );
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A contract with one task; its name, once the server has said that it is made. */
async function createContract(client: Client, { dir: repository, base }: TestRepository): Promise<string> {
  const name = `count-${randomUUID()}`;
  const settings = { autonomousLoop: true, limits: { ...defaultConfig().loop, baseline: false } };
  await client.call("createContract", { name, goal: "Count", agent: "fake", repository, base, settings });
  return name;
}

/** Sequence numbers of the changes as the viewer gets them. */
function watchChanges(viewer: Subscriber): number[] {
  const seen: number[] = [];
  void (async () => {
    for await (const { seq } of viewer.changes({ from: 0, follow: true })) seen.push(seq);
  })().catch(() => undefined);
  return seen;
}

/** The viewer has got every change, once and in order. */
async function requireSeen(client: Client, seen: readonly number[]): Promise<void> {
  const { latest } = await client.call("listChanges", { from: 0, limit: 1 });
  await until(() => seen.length >= latest, "the viewer has seen every change");
  assert.deepEqual(
    seen.slice(0, latest),
    Array.from({ length: latest }, (_, index) => index + 1),
  );
}
