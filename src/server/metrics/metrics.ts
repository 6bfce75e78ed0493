import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Fact } from "./facts.ts";
import { OwnFigures } from "./own-figures.ts";
import { StateGauges } from "./state-gauges.ts";
import type { State } from "./state.ts";

/** Seconds; from one SQLite transaction on a fast disk to a database that is struggling. */
const COMMIT_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const REQUEST_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** Agents report their models themselves: one that makes up names must not fill the memory. */
const MOST_MODELS = 100;

export interface AnsweredRequest {
  method: string;
  /** Pattern of the path. */
  route: string;
  status: number;
  ms: number;
}

/** What one server counts and measures, for Prometheus. Counting costs next to nothing; reading is up to the scraper. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #state = new StateGauges(this.#registry);
  readonly #models = new Set<string>();

  readonly #runs = new Counter({
    name: "makima_runs_ended_total",
    help: "Runs that have ended, by outcome.",
    labelNames: ["outcome"],
    registers: [this.#registry],
  });
  readonly #iterations = new Counter({
    name: "makima_iterations_total",
    help: "Iterations that got a verdict.",
    labelNames: ["agent", "model"],
    registers: [this.#registry],
  });
  readonly #refused = new Counter({
    name: "makima_gates_refused_total",
    help: "Ready gates that makima did not believe: false claims to be done.",
    labelNames: ["agent", "model"],
    registers: [this.#registry],
  });
  readonly #cost = new Counter({
    name: "makima_cost_usd_total",
    help: "Cost of iterations in US dollars, as agents report it.",
    labelNames: ["agent", "model"],
    registers: [this.#registry],
  });
  readonly #commitLag = new Histogram({
    name: "makima_append_commit_seconds",
    help: "Time from the arrival of the oldest append of a transaction to its commit.",
    buckets: COMMIT_BUCKETS,
    registers: [this.#registry],
  });
  readonly #appended = new Counter({
    name: "makima_appended_bytes_total",
    help: "Bytes of agents' output and events that daemons have delivered.",
    registers: [this.#registry],
  });
  readonly #subscriptions = new Gauge({
    name: "makima_subscriptions",
    help: "Subscriptions of all viewers of this server.",
    registers: [this.#registry],
  });
  readonly #frames = new Counter({
    name: "makima_frames_sent_total",
    help: "Frames sent to viewers.",
    registers: [this.#registry],
  });
  readonly #requests = new Histogram({
    name: "makima_http_request_duration_seconds",
    help: "HTTP requests that were answered, with the time that took.",
    labelNames: ["method", "route", "status"],
    buckets: REQUEST_BUCKETS,
    registers: [this.#registry],
  });
  readonly #own = new OwnFigures(this.#registry);

  /** Of a transaction that has been committed. */
  count(fact: Fact): void {
    if (fact.kind === "run-ended") {
      this.#runs.inc({ outcome: fact.outcome });
      return;
    }
    const labels = { agent: fact.agent, model: this.#modelLabel(fact.model) };
    this.#iterations.inc(labels);
    this.#cost.inc(labels, Math.max(0, fact.costUsd));
    if (fact.refused) this.#refused.inc(labels);
  }

  appendsCommitted(bytes: number, oldestMs: number): void {
    this.#appended.inc(bytes);
    this.#commitLag.observe(oldestMs / 1000);
  }

  subscriptionOpened(): void {
    this.#subscriptions.inc();
  }

  subscriptionClosed(): void {
    this.#subscriptions.dec();
  }

  frameSent(): void {
    this.#frames.inc();
  }

  requestAnswered({ method, route, status, ms }: AnsweredRequest): void {
    this.#requests.observe({ method, route, status }, ms / 1000);
  }

  /** In Prometheus' text format. `state`: what the database says now; null while it does not answer. */
  async text(state: State | null): Promise<string> {
    this.#state.set(state);
    this.#own.read();
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  #modelLabel(model: string | null): string {
    if (model === null) return "";
    if (this.#models.size < MOST_MODELS) this.#models.add(model);
    return this.#models.has(model) ? model : "other";
  }
}
