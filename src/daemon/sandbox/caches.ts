import { join } from "node:path";

/**
 * Directory of the package managers' caches of a contract: what its sandboxed tasks have downloaded, they need not
 * download again. It is no other contract's to write, since what lies in a cache is run.
 */
export function contractCaches(home: string, contractId: string): string {
  return join(home, "caches", contractId);
}

/** Where the caches are while nothing is to outlive the process: in the sandbox's own `/tmp`. */
const PASSING = "/tmp/.caches";

/**
 * What a sandboxed process's environment says besides everything else: a home that cannot be written needs caches
 * elsewhere, and a temporary directory outside does not exist. `caches`: null keeps nothing.
 */
export function sandboxVariables(caches: string | null): Record<string, string> {
  const within = Object.entries(CACHES).map(([name, path]) => [name, join(caches ?? PASSING, path)] as const);
  return { TMPDIR: "/tmp", ...Object.fromEntries(within) };
}

/** The variable by which each tool is told where its cache is, and that place. */
const CACHES: Readonly<Record<string, string>> = {
  // Whatever follows the XDG specification, and is not named below.
  XDG_CACHE_HOME: "xdg",
  npm_config_cache: "npm",
  // pnpm since version 11, and before: that one's own variable, npm_config_store_dir, makes npm complain at each start.
  pnpm_config_store_dir: "pnpm/store",
  PNPM_HOME: "pnpm",
  // Yarn 1 has its cache here; Yarn 2 and later below the global folder, unless told otherwise.
  YARN_CACHE_FOLDER: "yarn/cache",
  YARN_GLOBAL_FOLDER: "yarn/global",
  PIP_CACHE_DIR: "pip",
  UV_CACHE_DIR: "uv",
  CARGO_HOME: "cargo",
  GOMODCACHE: "go/mod",
  GOCACHE: "go/build",
};
