import type { LoadedConfig } from "../../platform/config/load.ts";
import { createLogger } from "../../platform/log.ts";
import type { Logger } from "../../platform/log.ts";
import { credentialsIn, learnSecrets } from "../../platform/redact/secrets.ts";
import type { Context } from "../context.ts";

/** The log of a long-running command: stderr, which in the background is a file. The credentials at hand stay out of it. */
export function createLog({ env, stderr }: Context, { config }: LoadedConfig): Logger {
  learnSecrets(credentialsIn(env, config));
  return createLogger({ ...config.log, stream: stderr });
}

/** Longest time that an orderly end may take (ms); what it does in it is bounded by less. */
const END_WITHIN = 10_000;

/**
 * Resolves at the first signal that asks to end. The second ends the process at once, and so does the time limit: it may
 * hang in its clean-up.
 */
export function stopRequest(context: Context): Disposable & { requested: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let limit: NodeJS.Timeout | null = null;
  const listening = context.onSignals(["SIGINT", "SIGTERM", "SIGHUP"], () => {
    if (limit !== null) context.exit(130);
    limit = setTimeout(() => context.exit(130), END_WITHIN);
    resolve();
  });
  return {
    requested: promise,
    [Symbol.dispose]() {
      listening[Symbol.dispose]();
      if (limit !== null) clearTimeout(limit);
    },
  };
}
