import type { Environment } from "./paths.ts";

/** "loop", "maxIterations" -> MAKIMA_LOOP_MAX_ITERATIONS */
export function variableName(path: readonly string[]): string {
  const words = path.map((part) => part.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).replaceAll("-", "_"));
  return ["MAKIMA", ...words].join("_").toUpperCase();
}

/** The variables of `env` that start like the name of a key, set to something. */
export function overridesIn(env: Environment, sections: readonly string[]): string[] {
  const prefixes = sections.map((section) => `${variableName([section])}_`);
  return Object.keys(env).filter((name) => env[name] && prefixes.some((prefix) => name.startsWith(prefix)));
}
