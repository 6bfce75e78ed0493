import type { LoadedConfig } from "./load.ts";
import { fieldName, NO_LIMIT, sectionNames, SECTIONS, SIZE_OR_NONE, tablePaths } from "./schema.ts";
import type { SectionName } from "./schema.ts";
import { tableAt } from "./toml.ts";
import { formatDuration, formatSize } from "./units.ts";

export interface EffectiveValue {
  /** "loop.idleTimeout" */
  key: string;
  /** As it would stand in the file; null when it is not set. */
  value: unknown;
  /** "default", a file with a line, or an environment variable. */
  source: string;
}

/** Every key with the value that holds and where it was set, for `makima doctor --config`. */
export function effective({ config, sources }: Pick<LoadedConfig, "config" | "sources">): EffectiveValue[] {
  return sectionNames().flatMap((section) =>
    tablePaths(section, Object.keys(config.agents)).flatMap((path) => {
      const values = tableAt(config, path);
      return Object.keys(SECTIONS[section]).map((key) => {
        const name = [...path, key].join(".");
        const value = shown(section, key, values[fieldName(section, key)]);
        return { key: name, value, source: sources.get(name) ?? "default" };
      });
    }),
  );
}

/** Durations and sizes as text; of an agent's `env` the names only and of a URL not the password: they may be secrets. */
function shown(section: SectionName, key: string, value: unknown): unknown {
  const field = fieldName(section, key);
  if (value === null && SECTIONS[section][key]?.meta()?.unit === SIZE_OR_NONE) return NO_LIMIT;
  if (typeof value === "number" && field !== key) {
    return field.endsWith("Bytes") ? formatSize(value) : formatDuration(value);
  }
  if (key === "url" && typeof value === "string") return value.replace(/(:\/\/[^:/@]*):[^@]*@/, "$1:***@");
  if (key === "env" && typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.keys(value).map((name) => [name, "(set)"]));
  }
  return value;
}
