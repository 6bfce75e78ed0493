import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { getSystemErrorMessage } from "node:util";
import { MakimaError } from "../../core/errors.ts";
import { isErrno } from "../files.ts";
import { type Config, defaultConfig } from "./config.ts";
import { defaultConfigFile, type Environment, makimaHome } from "./paths.ts";
import { overridesIn } from "./variables.ts";

export interface LoadOptions {
  env: Environment;
  /** `config` is the file named by a flag; it must exist. */
  flags?: { config?: string | undefined };
}

export interface LoadedConfig {
  config: Config;
  /** Where each value that is not a default comes from: "loop.maxIterations" -> "/.../config.toml:12" or a variable. */
  sources: ReadonlyMap<string, string>;
  /** makima's data directory; it need not exist. */
  home: string;
  /** The configuration file; null when there is none. */
  file: string | null;
}

/**
 * Effective configuration: environment before file before default. Everything that is wrong with it is one
 * `config_invalid` with a line for each problem. Keys of the command line are laid over it by the commands.
 */
export async function loadConfig({ env, flags = {} }: LoadOptions): Promise<LoadedConfig> {
  const home = makimaHome(env);
  const file = await readConfigFile(env, flags.config);
  const defaults = defaultConfig();
  const overrides = overridesIn(env, Object.keys(defaults));
  if (file === null && overrides.length === 0) return { config: defaults, sources: new Map(), home, file: null };
  // The schema takes longer to load than everything else that a small command does: only who configures pays.
  const { applyConfig } = await import("./apply.ts");
  return { ...applyConfig({ defaults, env, overrides, file }), home, file: file?.path ?? null };
}

/** A file that was named must exist; the default one may be absent. */
async function readConfigFile(env: Environment, flag: string | undefined) {
  const named = flag ?? (env.MAKIMA_CONFIG || undefined);
  const path = resolve(named ?? defaultConfigFile(env));
  try {
    return { path, text: await readFile(path, "utf8") };
  } catch (error) {
    if (named === undefined && (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR"))) return null;
    const origin = flag === undefined && named !== undefined ? ", which MAKIMA_CONFIG names" : "";
    throw new MakimaError("config_invalid", `Cannot read ${path}${origin}: ${reasonOf(error)}`, {
      hint: "Name a file that exists and can be read, or none.",
      cause: error,
    });
  }
}

/** "permission denied", without the path that the message of a system error repeats. */
function reasonOf(error: unknown): string {
  const { errno } = error as { errno?: number };
  return errno === undefined ? String(error) : getSystemErrorMessage(errno);
}
