import type { Clock } from "../../platform/clock.ts";
import type { NotificationsConfig } from "../../platform/config/config.ts";
import type { Logger } from "../../platform/log.ts";
import type { Store } from "../db/store.ts";
import { Rerun } from "../rerun.ts";
import { isUnavailable } from "../unavailable.ts";
import { addressees } from "./addressees.ts";
import type { Addressee } from "./addressees.ts";
import { desktopSender } from "./desktop.ts";
import { abandonDeliveries, DELIVERIES_TOPIC, LEASE, settleDelivery, takeDelivery } from "./outbox.ts";
import type { Attempt, Taken } from "./outbox.ts";
import { webhookSender } from "./webhook.ts";
import type { Send } from "./webhook.ts";

export interface DelivererOptions {
  notifications: NotificationsConfig;
  /** The server's own: leads to the desktop's session. */
  environment: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  log: Logger;
}

/**
 * Takes notifications from the outbox to where they are to go, at least once. What is to be sent, when, and how often it
 * was tried is in the tables: servers share the work, and a kill at any point costs a repeat at most.
 */
export class Deliverer implements AsyncDisposable {
  readonly #lanes: readonly Lane[];
  readonly #abandoning: Promise<void>;

  constructor(store: Store, options: DelivererOptions) {
    const { clock, log, environment } = options;
    this.#lanes = addressees(options.notifications).map((addressee) => {
      const { webhook } = addressee;
      const send = webhook === null ? desktopSender(environment, log) : webhookSender(webhook, clock);
      return new Lane(store, addressee, send, options);
    });
    this.#abandoning = store.write(abandonDeliveries).catch((error: unknown) => {
      if (!isUnavailable(error)) log.error({ err: error }, "could not look through old deliveries");
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#abandoning, ...this.#lanes.map((lane) => lane[Symbol.asyncDispose]())]);
  }
}

/** Delivers to one addressee, one notification at a time: one that does not answer keeps no other waiting. */
class Lane implements AsyncDisposable {
  readonly #store: Store;
  readonly #addressee: Addressee;
  readonly #send: Send;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #rerun: Rerun;
  readonly #listener: Disposable;
  readonly #closing = new AbortController();
  #alarm = new AbortController();

  constructor(store: Store, addressee: Addressee, send: Send, { clock, log }: DelivererOptions) {
    this.#store = store;
    this.#addressee = addressee;
    this.#send = send;
    this.#clock = clock;
    this.#log = log;
    this.#rerun = new Rerun(
      () => this.#deliverDue(),
      (error) => this.#failed(error),
    );
    this.#listener = store.wakeups.listen(DELIVERIES_TOPIC, () => this.#rerun.request());
    this.#rerun.request();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener[Symbol.dispose]();
    this.#closing.abort();
    await this.#rerun[Symbol.asyncDispose]();
    this.#alarm.abort();
  }

  async #deliverDue(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      const { taken, wait } = await this.#store.write((tx) => takeDelivery(tx, this.#addressee.channel));
      if (taken === null) return this.#runAgainIn(wait);
      const attempt = await this.#send(taken, this.#closing.signal);
      this.#tell(taken, attempt);
      const random = Math.random();
      await this.#store.write((tx) => settleDelivery(tx, taken, attempt, random));
    }
  }

  #tell({ id, attempts, notification }: Taken, { result, error }: Attempt): void {
    const { target, webhook } = this.#addressee;
    if (result === "delivered" || webhook === null) return;
    const fields = { delivery: id, notification: notification.id, webhook: target, attempts, problem: error };
    this.#log.warn(fields, result === "retry" ? "a webhook has not taken a notification" : "a webhook wants no more");
  }

  #failed(error: unknown): void {
    // When the database is back, everybody is woken.
    if (isUnavailable(error)) return;
    this.#log.error({ err: error, target: this.#addressee.target }, "could not deliver a notification");
    this.#runAgainIn(LEASE);
  }

  /** Nothing else tells that a wait is over, or that another server has not come back for what it took. */
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
