import type { Clock } from "../../platform/clock.ts";
import type { Config } from "../../platform/config/config.ts";
import type { Environment } from "../../platform/config/paths.ts";
import { HOUR } from "../../platform/config/units.ts";
import type { Logger } from "../../platform/log.ts";
import type { Store } from "../db/store.ts";
import { MERGED_TOPIC } from "../db/wakeups.ts";
import { Duty } from "../duty.ts";
import { Every } from "../every.ts";
import { Rerun } from "../rerun.ts";
import { storedBytes } from "../runs/stored.ts";
import { isUnavailable } from "../unavailable.ts";
import { archiveRun } from "./archive.ts";
import { dropOutput, oldestOutput, postponeArchive, removeDropped } from "./drop.ts";
import { trimReadings, TRIMS } from "./trim.ts";

/** How long an operation that only looked can be read again (ms). */
const READINGS_KEPT = 24 * HOUR;

export interface RetentionOptions {
  store: Store;
  clock: Clock;
  log: Logger;
  rules: Config["retention"];
  /** Where runs are written for the archive command, one at a time. */
  archiveDir: string;
  /** Of the archive command. */
  environment: Environment;
}

/**
 * Drops what is older than the rules allow, at the start and once an hour, and the oldest of what is more than they allow,
 * also when the output of an ended run has got its final size. All of it in small transactions, and each step finds what to do in the tables, so that a kill
 * at any point costs nothing. Of the servers that share a database, one does it.
 */
export class Retention implements AsyncDisposable {
  readonly #options: RetentionOptions;
  readonly #stopped = new AbortController();
  readonly #duty: Duty;
  readonly #rerun: Rerun;
  readonly #hourly: Every;
  readonly #listener: Disposable;
  #ageIsDue = true;

  constructor(options: RetentionOptions) {
    const { store, log } = options;
    this.#options = options;
    this.#duty = new Duty(store, "retention");
    this.#rerun = new Rerun(
      () => this.#enforce(),
      (error) => {
        if (this.#stopped.signal.aborted || isUnavailable(error)) return;
        log.error({ err: error }, "could not enforce the retention rules");
      },
    );
    this.#hourly = new Every({ ...options, pauseMs: HOUR, task: "enforce the retention rules" }, async () => {
      this.#ageIsDue = true;
      this.#rerun.request();
    });
    this.#listener = store.wakeups.listen(MERGED_TOPIC, () => this.#rerun.request());
    this.#rerun.request();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    this.#listener[Symbol.dispose]();
    await this.#hourly[Symbol.asyncDispose]();
    await this.#rerun[Symbol.asyncDispose]();
    await this.#duty[Symbol.asyncDispose]();
  }

  async #enforce(): Promise<void> {
    const { store, clock, rules } = this.#options;
    await this.#repeat(() => removeDropped(store));
    if (this.#ageIsDue) await this.#enforceAge(clock.now());
    const most = rules.maxSizeBytes;
    if (most === null) return;
    await this.#repeat(async () => (await storedBytes(store.db)) > most && this.#dropOldest(clock.now()));
  }

  async #enforceAge(now: number): Promise<void> {
    const { store, rules } = this.#options;
    await this.#repeat(() => store.write((tx) => trimReadings(tx, now - READINGS_KEPT)));
    if (rules.maxAgeMs !== null) {
      const cutoff = now - rules.maxAgeMs;
      await this.#repeat(() => this.#dropOldest(cutoff));
      for (const trim of TRIMS) await this.#repeat(() => store.write((tx) => trim(tx, cutoff)));
    }
    // Not before: what failed because the database went away is done when it is back.
    this.#ageIsDue = false;
  }

  /** Repeats a step for as long as it finds something to do, and this server is the one to do it. */
  async #repeat(step: () => Promise<boolean>): Promise<void> {
    while (!this.#stopped.signal.aborted && (await this.#duty.isMine()) && (await step()));
  }

  /** Deals with one run that ended before `cutoff` (epoch ms); false when there is none. */
  async #dropOldest(cutoff: number): Promise<boolean> {
    const { store, clock, log } = this.#options;
    const runId = await oldestOutput(store.db, cutoff, clock.now());
    if (runId === null) return false;
    const problem = await this.#archive(runId);
    if (problem === null) {
      await dropOutput(store, runId);
      await this.#repeat(() => removeDropped(store));
      log.info({ run: runId }, "dropped the output of a run");
    } else {
      await postponeArchive(store, runId, clock.now());
      log.warn({ run: runId, problem }, "could not archive a run: its output stays");
    }
    return true;
  }

  /** null: archived, or there is no archive. Otherwise why not. */
  async #archive(runId: string): Promise<string | null> {
    const { store, rules, archiveDir, environment } = this.#options;
    if (rules.archive === null) return null;
    const { signal } = this.#stopped;
    try {
      return await archiveRun(store.db, runId, { command: rules.archive, archiveDir, environment, signal });
    } catch (error) {
      // What is wrong with the database is wrong with everything; what is wrong with a directory, with this run alone.
      if (signal.aborted || isUnavailable(error)) throw error;
      return error instanceof Error ? error.message : String(error);
    }
  }
}
