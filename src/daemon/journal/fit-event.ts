import type { RunEvent } from "../../protocol/run-events.ts";
import { encodeEvent, MAX_EVENT_BYTES } from "../../protocol/run-events.ts";

/**
 * The event with its texts and lists cut as far as it takes to fit a frame of the link. Agents decide how long most of
 * them are; what the daemon itself goes on is short, or kept in files of its own. Throws when no cut is enough.
 */
export function fitEvent(event: RunEvent): RunEvent {
  if (fits(event)) return event;
  for (const limits of LIMITS) {
    const cut = shorten(event, limits, 0) as RunEvent;
    if (fits(cut)) return cut;
  }
  throw new Error(`An event of type "${event.type}" does not fit a frame`);
}

/** The beginning of a text, at most `length` UTF-16 units, for a reader who can find the rest elsewhere. */
export function excerpt(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

/** Longest text in characters, most items of a list, and most of a list within a list. */
interface Limits {
  text: number;
  items: number;
  nested: number;
}

/** A run has at most a hundred checks, so their list is whole unless nothing else helps. */
const LIMITS: readonly Limits[] = [
  { text: 2_000, items: 100, nested: 20 },
  { text: 300, items: 100, nested: 2 },
  { text: 100, items: 20, nested: 2 },
];

function fits(event: RunEvent): boolean {
  return Buffer.byteLength(encodeEvent(event)) <= MAX_EVENT_BYTES;
}

function shorten(value: unknown, limits: Limits, depth: number): unknown {
  if (typeof value === "string") return excerpt(value, limits.text);
  if (Array.isArray(value)) {
    return value.slice(0, depth === 0 ? limits.items : limits.nested).map((item) => shorten(item, limits, depth + 1));
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => {
    return [key, key === "extra" ? shortenExtra(inner, limits) : shorten(inner, limits, depth)];
  });
  return Object.fromEntries(entries) as unknown;
}

/** What an agent put into its gate of its own accord may be of any shape: each value is kept whole or not at all. */
function shortenExtra(extra: unknown, { text, nested }: Limits): unknown {
  const entries = Object.entries(extra as object).filter((entry) => JSON.stringify(entry).length <= text);
  return Object.fromEntries(entries.slice(0, nested));
}
