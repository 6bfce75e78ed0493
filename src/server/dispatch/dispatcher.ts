import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/log.ts";
import { onlineDaemons } from "../daemons/daemons.ts";
import type { Db, Store, Write } from "../db/store.ts";
import { DISPATCH_TOPIC } from "../db/wakeups.ts";
import { Rerun } from "../rerun.ts";
import { firstOf, readHeads } from "./heads.ts";
import type { Home, ReadyHead } from "./heads.ts";
import { offersOf } from "./labels.ts";
import { choose, settle } from "./policy.ts";
import type { Place, Round } from "./policy.ts";
import { spawnRun } from "./spawn.ts";

export interface DispatchOptions {
  /** A daemon that has been offline for longer (ms) keeps no task waiting for it. */
  lostAfterMs: number;
  clock: Clock;
  log: Logger;
}

/**
 * Gives pending tasks to daemons whenever a task can be started, a daemon has connected or a run has ended. Everything
 * that it goes by is in the tables, so it does not matter which server's dispatcher is first, or what a crash cut
 * short.
 */
export class Dispatcher implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #rerun: Rerun;
  readonly #listener: Disposable;
  #alarm = new AbortController();

  constructor(store: Store, options: DispatchOptions) {
    this.#clock = options.clock;
    // A daemon could not be seen by a server that was down.
    const upSince = options.clock.now();
    this.#rerun = new Rerun(
      async () => this.#runAgainIn(await store.write((tx) => dispatch(tx, options, upSince))),
      (error) => options.log.error({ err: error }, "could not hand out pending tasks"),
    );
    this.#listener = store.wakeups.listen(DISPATCH_TOPIC, () => this.#rerun.request());
    this.#rerun.request();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener[Symbol.dispose]();
    await this.#rerun[Symbol.asyncDispose]();
    this.#alarm.abort();
  }

  /** Nothing else tells when a daemon has been away for too long. */
  #runAgainIn(ms: number | null): void {
    this.#alarm.abort();
    if (ms === null) return;
    this.#alarm = new AbortController();
    this.#clock.sleep(ms, this.#alarm.signal).then(
      () => this.#rerun.request(),
      () => undefined,
    );
  }
}

/** Starts what can be started. In how many milliseconds a daemon that tasks wait for is lost; null: there is none. */
async function dispatch(tx: Write, { lostAfterMs }: DispatchOptions, upSince: number): Promise<number | null> {
  const places = await placesOf(tx.db);
  if (places.length === 0) return null;
  const ready = await readHeads(tx.db);
  const lostBefore = tx.now - lostAfterMs;
  const waiting = ready.map((head) => ({ ...head, home: unlessLost(head.home, lostBefore, upSince) }));
  const heads = waiting.map((head) => ({ ...head, home: head.home?.daemonId ?? null }));
  let round: Round = { now: tx.now, heads, places, shares: await sharesOf(tx.db, ready) };
  for (let choice = choose(round); choice !== null; choice = choose(round)) {
    await spawnRun(tx, choice.head.taskId, choice.daemonId);
    round = settle(round, choice, await firstOf(tx.db, choice.head.queue));
  }
  const awaited = waiting.flatMap(({ home }) => (home === null || home.online ? [] : [home.lastSeenAt]));
  return awaited.length === 0 ? null : Math.min(...awaited) - lostBefore;
}

/** Also those that are full: a supervisor finds its place there. */
async function placesOf(db: Db): Promise<Place[]> {
  const daemons = await onlineDaemons(db);
  return daemons.map((daemon) => {
    return { daemonId: daemon.id, free: daemon.maxTasks - daemon.running, offers: offersOf(daemon) };
  });
}

function unlessLost(home: Home | null, lostBefore: number, upSince: number): Home | null {
  if (home === null || home.online) return home;
  const lastSeenAt = Math.max(home.lastSeenAt, upSince);
  return lastSeenAt > lostBefore ? { ...home, lastSeenAt } : null;
}

/** Counts live runs of workers: there are never more of them than places. */
async function sharesOf(db: Db, ready: readonly ReadyHead[]): Promise<Round["shares"]> {
  const rows = await db
    .selectFrom("runs")
    .innerJoin("tasks", "tasks.id", "runs.task_id")
    .select((eb) => ["tasks.contract_id as contractId", eb.fn.countAll<number>().as("running")])
    .where("runs.ended_at", "is", null)
    .where("tasks.role", "=", "worker")
    .groupBy("tasks.contract_id")
    .execute();
  const running = new Map(rows.map((row) => [row.contractId, row.running]));
  return new Map(
    ready.map(({ contractId, servedAt, limit }) => {
      return [contractId, { running: running.get(contractId) ?? 0, servedAt, limit }];
    }),
  );
}
