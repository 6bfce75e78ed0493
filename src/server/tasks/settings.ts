import type { TaskDefaults } from "../../protocol/api.ts";
import { LoopLimits } from "../../protocol/run-spec.ts";

export type ChangedLimits = Readonly<Partial<Record<keyof LoopLimits, unknown>>>;

/** The settings with other limits; those that are not named stay. */
export function withLimits(settings: TaskDefaults["settings"], changed: ChangedLimits): TaskDefaults["settings"] {
  return { ...settings, limits: LoopLimits.parse({ ...settings.limits, ...changed }) };
}
