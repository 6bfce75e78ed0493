import { MakimaError } from "../../core/errors.ts";
import type { LoadedConfig } from "../../platform/config/load.ts";
import { findBubblewrap } from "../../platform/sandbox/find.ts";
import { probeSandbox } from "../../platform/sandbox/probe.ts";
import { flag } from "../command.ts";
import type { Context } from "../context.ts";

/** Option of the commands that run a daemon. */
export const SANDBOX_OPTIONS = {
  bubblewrap: flag("--bubblewrap", "Run every agent and every check in a sandbox (default: as configured)"),
};

/**
 * The configuration with what the flag says of the sandbox. Where there is to be one and cannot, each task would fail,
 * perhaps with nobody there: then the flag is refused with `sandbox_unavailable`, and of a configured one there is a
 * warning, for there may be other things to do.
 */
export async function withSandboxFlag(
  context: Context,
  loaded: LoadedConfig,
  { bubblewrap }: { bubblewrap: boolean },
): Promise<LoadedConfig> {
  const { process } = loaded.config;
  if (!bubblewrap && !process.bubblewrap.enabled) return loaded;
  try {
    await probeSandbox(await findBubblewrap(context.env), context.env);
  } catch (error) {
    if (bubblewrap || !(error instanceof MakimaError)) throw error;
    context.output.warning(`Every task will fail: ${error.message}. ${error.hint}`);
  }
  const sandboxed = { ...process, bubblewrap: { ...process.bubblewrap, enabled: true } };
  return { ...loaded, config: { ...loaded.config, process: sandboxed } };
}
