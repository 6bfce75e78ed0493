import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/log.ts";
import { LINK_DEAD_AFTER } from "../../protocol/link.ts";
import { loseIdentity } from "../daemons/identity.ts";
import type { Store } from "../db/store.ts";
import { Every } from "../every.ts";
import { failUnanswered } from "./fail-unanswered.ts";
import { judge } from "./policy.ts";
import type { Sighting, Vigil } from "./policy.ts";
import { requeueLost } from "./requeue-lost.ts";
import { sightDaemons } from "./sightings.ts";

/**
 * With the second that a sign of life may take to be written down, and the look at which a silence begins to be counted,
 * a daemon is offline 19 s after its last sign of life (ms).
 */
const LOOK_EVERY = 1_500;

/** A look that came later than this means that this server could not look (ms). */
const LONGEST_STEP = 3_000;

interface LeaseKeeperOptions {
  store: Store;
  clock: Clock;
  log: Logger;
  /** Time offline (ms) after which a daemon's tasks are given to others. */
  lostAfterMs: number;
}

/** Watches over the daemons of all servers: marks the silent ones as offline, and takes the tasks from the lost ones. */
export class LeaseKeeper implements AsyncDisposable {
  readonly #options: LeaseKeeperOptions;
  readonly #every: Every;
  #vigil: Vigil | null = null;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#every = new Every({ ...options, pauseMs: LOOK_EVERY, task: "watch over the daemons" }, () => this.#look());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#every[Symbol.asyncDispose]();
  }

  async #look(): Promise<void> {
    const { store, clock, log, lostAfterMs } = this.#options;
    const limits = { deadAfterMs: LINK_DEAD_AFTER, lostAfterMs, longestStepMs: LONGEST_STEP };
    const sightings = await sightDaemons(store.db);
    const { vigil, silent, lost, spared } = judge(this.#vigil, clock.now(), sightings, limits);
    this.#vigil = vigil;
    for (const { daemonId, lastSeenAt } of silent) {
      await store.write((tx) => loseIdentity(tx, daemonId, lastSeenAt));
      log.warn({ daemon: daemonId, lastSeenAt }, "a daemon went silent: it is taken for offline");
    }
    if (spared.length > 0) {
      const daemons = spared.map(({ daemonId }) => daemonId);
      log.warn({ daemons, forMs: lostAfterMs }, "most daemons are away at once: none of them is taken for lost yet");
    }
    for (const daemon of lost) await this.#giveUp(daemon);
  }

  async #giveUp(daemon: Sighting): Promise<void> {
    const { store, log } = this.#options;
    const requeued = await requeueLost(store, daemon);
    if (requeued > 0) log.warn({ daemon: daemon.daemonId, tasks: requeued }, "a daemon is lost: others get its tasks");
    const failed = await failUnanswered(store, daemon);
    if (failed > 0) log.warn({ daemon: daemon.daemonId, operations: failed }, "a daemon is lost: its operations fail");
  }
}
