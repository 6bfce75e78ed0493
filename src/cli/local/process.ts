import type { LoadedConfig } from "../../platform/config/load.ts";
import { createLogger } from "../../platform/log.ts";
import type { Logger } from "../../platform/log.ts";
import type { Context } from "../context.ts";

/** The log of a long-running command: stderr, which in the background is a file. */
export function createLog({ stderr }: Context, { config }: LoadedConfig): Logger {
  return createLogger({ ...config.log, stream: stderr });
}

/** Resolves at the first signal that asks to end. The second ends the process at once: it may hang in its clean-up. */
export function stopRequest(context: Context): Disposable & { requested: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = false;
  const listening = context.onSignals(["SIGINT", "SIGTERM", "SIGHUP"], () => {
    if (asked) context.exit(130);
    asked = true;
    resolve();
  });
  return { requested: promise, [Symbol.dispose]: () => listening[Symbol.dispose]() };
}
