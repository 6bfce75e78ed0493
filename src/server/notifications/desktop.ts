import { oneLine } from "../../core/notifications.ts";
import type { Logger } from "../../platform/log.ts";
import { showOnDesktop } from "../../platform/process/desktop.ts";
import type { Send } from "./webhook.ts";

/** Longest problem in the delivery log (characters). */
const MAX_PROBLEM = 500;

/**
 * Shows notifications on the desktop of the server's machine: each once or not at all, for the moment of it has passed by
 * the time of another try. A machine without a desktop is told of once.
 */
export function desktopSender(environment: Readonly<Record<string, string | undefined>>, log: Logger): Send {
  let warned = false;
  return async ({ attempts, notification }, signal) => {
    const { title, body, status } = notification;
    if (attempts > 1) return over("The server that was to show it has died");
    if (status !== "unread") return over("It was read already");
    const shown = await show({ title, body }, environment, signal);
    if (shown.kind === "shown") return { result: "delivered", responseStatus: null, error: null };
    if (shown.kind === "failed" || !warned) log.warn({ problem: shown.problem }, "no notification on the desktop");
    warned ||= shown.kind === "missing";
    return over(shown.problem);
  };
}

async function show(
  message: { title: string; body: string },
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
) {
  try {
    return await showOnDesktop(message, { platform: process.platform, env, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    return { kind: "failed", problem: "The server stopped in the middle of it" } as const;
  }
}

function over(problem: string) {
  return { result: "failed", responseStatus: null, error: oneLine(problem, MAX_PROBLEM) } as const;
}
