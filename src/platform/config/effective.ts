import type { LoadedConfig } from "./load.ts";
import { fieldName, SECTIONS } from "./schema.ts";
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
  return Object.entries(SECTIONS).flatMap(([name, shape]) => {
    const section = name as keyof typeof SECTIONS;
    const tables: [string, object][] =
      section === "agents"
        ? Object.entries(config.agents).map(([agent, values]) => [`${section}.${agent}`, values])
        : [[section, config[section]]];
    return tables.flatMap(([prefix, values]) =>
      Object.keys(shape).map((key) => {
        const value: unknown = Reflect.get(values, fieldName(section, key));
        const path = `${prefix}.${key}`;
        return { key: path, value: shown(key, value, fieldName(section, key)), source: sources.get(path) ?? "default" };
      }),
    );
  });
}

/** Durations and sizes as text; of an agent's `env` the names only and of a URL not the password: they may be secrets. */
function shown(key: string, value: unknown, field: string): unknown {
  if (typeof value === "number" && field !== key) {
    return field.endsWith("Bytes") ? formatSize(value) : formatDuration(value);
  }
  if (key === "url" && typeof value === "string") return value.replace(/(:\/\/[^:/@]*):[^@]*@/, "$1:***@");
  if (key === "env" && typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.keys(value).map((name) => [name, "(set)"]));
  }
  return value;
}
