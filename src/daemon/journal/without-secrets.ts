import { redact } from "../../platform/redact/secrets.ts";
import type { RunEvent } from "../../protocol/run-events.ts";

/**
 * The event without the secrets that agents, checks and other programs may have put into words. Those words become
 * reasons, notifications and reports; what runs go on by, such as ids, paths and commits, is never touched.
 */
export function withoutSecrets(event: RunEvent): RunEvent {
  return clean(event, false) as RunEvent;
}

/** The fields of events, however deep, that hold words, or only words. */
const WORDS: ReadonlySet<string> = new Set([
  "reason",
  "progress",
  "blockers",
  "extra",
  "error",
  "hint",
  "failure",
  "detail",
  "message",
  "text",
  "prompt",
  "nextPrompt",
]);

function clean(value: unknown, words: boolean): unknown {
  if (typeof value === "string") return words ? redact(value) : value;
  if (Array.isArray(value)) return value.map((item) => clean(item, words));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, clean(inner, words || WORDS.has(key))]);
  return Object.fromEntries(entries) as unknown;
}
