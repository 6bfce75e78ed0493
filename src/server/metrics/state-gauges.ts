import { Gauge } from "prom-client";
import type { Registry } from "prom-client";
import { TASK } from "../../core/task-state.ts";
import type { State } from "./state.ts";

/** Shows what the database said when it was asked; while it does not answer, only that. */
export class StateGauges {
  readonly #up: Gauge;
  readonly #tasks: Gauge<"status">;
  readonly #daemons: Gauge<"state">;
  readonly #plain: ReadonlyMap<Gauge, (state: State) => number>;

  constructor(registry: Registry) {
    const registers = [registry];
    const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
    this.#up = gauge("makima_database_up", "1 while the database answers.");
    this.#tasks = new Gauge({
      name: "makima_tasks",
      help: "Tasks that have not ended, by status; the pending ones are the queue.",
      labelNames: ["status"],
      registers,
    });
    this.#daemons = new Gauge({
      name: "makima_daemons",
      help: "Daemons that are connected, and those that are not.",
      labelNames: ["state"],
      registers,
    });
    this.#plain = new Map<Gauge, (state: State) => number>([
      [
        gauge("makima_oldest_pending_seconds", "How long the task that has waited longest for a daemon is pending."),
        ({ pendingSince }) => (pendingSince === null ? 0 : Math.max(0, Date.now() - pendingSince) / 1000),
      ],
      [gauge("makima_live_runs", "Runs that have not ended."), ({ liveRuns }) => liveRuns],
      [
        gauge("makima_worktree_bytes", "What the worktrees on all daemons take, as far as they have told."),
        ({ worktreeBytes }) => worktreeBytes,
      ],
      [
        gauge("makima_worktrees_full", "Daemons whose worktrees pass their quota."),
        ({ worktreesFull }) => worktreesFull,
      ],
      [gauge("makima_commands_open", "Commands that their daemon has not done."), ({ openCommands }) => openCommands],
      [gauge("makima_changes_head", "Latest entry of the change feed."), ({ changesHead }) => changesHead],
      [gauge("makima_questions_open", "Questions that wait for a person."), ({ openQuestions }) => openQuestions],
      [
        gauge("makima_notifications_unread", "Notifications that nobody has read."),
        ({ unreadNotifications }) => unreadNotifications,
      ],
      [
        gauge("makima_deliveries_pending", "Notifications that are still to be delivered to a webhook."),
        ({ pendingDeliveries }) => pendingDeliveries,
      ],
    ]);
  }

  set(state: State | null): void {
    this.#up.set(state === null ? 0 : 1);
    for (const gauge of this.#plain.keys()) gauge.remove();
    this.#tasks.reset();
    this.#daemons.reset();
    if (state === null) return;
    for (const status of TASK.live) this.#tasks.set({ status }, state.tasks.get(status) ?? 0);
    this.#daemons.set({ state: "online" }, state.daemonsOnline);
    this.#daemons.set({ state: "offline" }, state.daemonsOffline);
    for (const [gauge, valueIn] of this.#plain) gauge.set(valueIn(state));
  }
}
