import type { TaskDefaults } from "../../protocol/api.ts";
import { LoopLimits } from "../../protocol/run-spec.ts";
import { fromJson } from "../db/json.ts";
import type { TasksTable } from "../db/tables.ts";

export type ChangedLimits = Readonly<Partial<Record<keyof LoopLimits, unknown>>>;

/** What a task was created with. What an earlier version of makima wrote down says nothing of a sandbox. */
export function settingsOf({ settings }: Pick<TasksTable, "settings">): TaskDefaults["settings"] {
  return { ...fromJson(settings), bubblewrap: fromJson(settings).bubblewrap ?? false };
}

/** The settings with other limits; those that are not named stay. */
export function withLimits(settings: TaskDefaults["settings"], changed: ChangedLimits): TaskDefaults["settings"] {
  return { ...settings, limits: LoopLimits.parse({ ...settings.limits, ...changed }) };
}
