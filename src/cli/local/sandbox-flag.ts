import type { LoadedConfig } from "../../platform/config/load.ts";
import { flag } from "../command.ts";

/** Option of the commands that run a daemon. */
export const SANDBOX_OPTIONS = {
  bubblewrap: flag("--bubblewrap", "Run every agent and every check in a sandbox (default: as configured)"),
};

/** The configuration with what the flag says of the sandbox. */
export function withSandboxFlag(loaded: LoadedConfig, { bubblewrap }: { bubblewrap: boolean }): LoadedConfig {
  if (!bubblewrap) return loaded;
  const { process } = loaded.config;
  const sandboxed = { ...process, bubblewrap: { ...process.bubblewrap, enabled: true } };
  return { ...loaded, config: { ...loaded.config, process: sandboxed } };
}
