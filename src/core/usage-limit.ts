/** The account is spent. `until`: when the limit resets, milliseconds since the epoch; null when nobody said. */
export interface UsageLimit {
  until: number | null;
  text: string;
}

export interface UsageLimitFacts {
  /** What the agent said outside of its text: Claude Code's `rate_limit_event`, whose reset time is exact. */
  event: UsageLimit | null;
  /** The text of the agent's own result or error; never a tool's output or what the model wrote. */
  text: string;
  /** Whether the agent failed: a limit that it got round (extra usage, another model) is none. */
  failed: boolean;
  /** Milliseconds since the epoch. */
  now: number;
  /** IANA zone of times that name none; the system's by default. */
  timeZone?: string;
}

/**
 * Tells whether a usage limit ended the agent, and until when. The text is read as Claude Code words it: `Claude AI
 * usage limit reached|1760000000`, `You've hit your session limit · resets 7:30pm (Europe/Berlin)`, `... · resets Nov
 * 24, 3pm`. null: no usage limit.
 */
export function parseUsageLimit({ event, text: said, failed, now, timeZone }: UsageLimitFacts): UsageLimit | null {
  if (!failed) return null;
  // Result texts are short; the cap keeps a flood from being searched.
  const text = said.slice(0, 2000);
  const limited = LIMIT_REACHED.test(text);
  if (event === null && !limited) return null;
  const until = event?.until ?? statedEpoch(text) ?? statedTime(text, now, timeZone);
  // A spending limit has no reset: waiting would not mend it.
  if (event === null && until === null && /spend|credit/i.test(text)) return null;
  return { until, text: limited ? text.trim() : `Usage limit reached (${event?.text})` };
}

/**
 * When to try again: the reset time, later by a random share of the wait, so that not all tasks of an account start at
 * once. A time that is unknown or past gives a minute, lest a wrong clock makes the agent start in a tight loop.
 * @param random in [0, 1)
 */
export function waitUntil(limit: UsageLimit, now: number, random: number): number {
  const base = limit.until !== null && limit.until > now ? limit.until : now + FALLBACK_WAIT;
  return Math.round(base + random * Math.min(MAX_JITTER, (base - now) * JITTER_SHARE));
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

const FALLBACK_WAIT = MINUTE;
const JITTER_SHARE = 0.1;
const MAX_JITTER = 30 * SECOND;

const LIMIT_REACHED =
  /\b(?:hit|reached) your [\w'’ -]{0,40}limit\b|\blimit reached\b|\bout of (?:extra usage|usage credits)\b/i;

function statedEpoch(text: string): number | null {
  const seconds = /\blimit reached\|(\d{9,11})\b/i.exec(text)?.[1];
  return seconds === undefined ? null : Number(seconds) * SECOND;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** `Nov 24, ` or `Jan 2, 2027, ` */
const DATE = /([a-z]{3})[a-z]{0,6} (\d{1,2})(?:, (\d{4}))?(?:,| at) /;
/** `3pm`, `7:30pm`, `15:00` */
const TIME = /(\d{1,2})(?::(\d{2}))?\s?([ap]m)?\b/;
const ZONE = / \(([\w/+-]{1,60})\)/;
const RESET = new RegExp(`\\bresets?(?: at)? (?:${DATE.source})?${TIME.source}(?:${ZONE.source})?`, "i");

function statedTime(text: string, now: number, defaultZone: string | undefined): number | null {
  const match = RESET.exec(text);
  if (match === null) return null;
  const [, month, day, year, hourText, minute = "0", meridiem, zone] = match;
  const hour = toHour(Number(hourText), meridiem);
  const monthIndex = month === undefined ? null : MONTHS.indexOf(month.toLowerCase());
  if (hour === null || Number(minute) > 59 || monthIndex === -1) return null;
  const format = zoneFormat(zone) ?? zoneFormat(defaultZone) ?? zoneFormat(undefined);
  if (format === null) return null;
  const today = wallClock(format, now);
  const at = (y: number, m: number, d: number): number => toEpoch(format, Date.UTC(y, m, d, hour, Number(minute)));
  if (monthIndex === null) {
    const time = at(today.year, today.month, today.day);
    // A reset that has just passed is meant, not tomorrow's: the message is a few moments old.
    return time > now - 10 * MINUTE ? time : at(today.year, today.month, today.day + 1);
  }
  const time = at(Number(year ?? today.year), monthIndex, Number(day));
  return year === undefined && time < now - DAY ? at(today.year + 1, monthIndex, Number(day)) : time;
}

function toHour(hour: number, meridiem: string | undefined): number | null {
  if (meridiem === undefined) return hour <= 23 ? hour : null;
  if (hour < 1 || hour > 12) return null;
  return (hour % 12) + (meridiem.toLowerCase() === "pm" ? 12 : 0);
}

/** null for a zone that does not exist, such as the `Etc/Unknown` of a machine without one. */
function zoneFormat(timeZone: string | undefined): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat("en-US", {
      ...(timeZone === undefined ? {} : { timeZone }),
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch {
    return null;
  }
}

interface WallClock {
  year: number;
  /** 0 is January. */
  month: number;
  day: number;
  /** The clock's reading as if it were UTC, in milliseconds. */
  reading: number;
}

function wallClock(format: Intl.DateTimeFormat, time: number): WallClock {
  const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  const [year, month, day] = [part("year"), part("month") - 1, part("day")];
  return { year, month, day, reading: Date.UTC(year, month, day, part("hour"), part("minute"), part("second")) };
}

/** The instant at which the zone's clocks show `reading`. The second step corrects for a change of offset between. */
function toEpoch(format: Intl.DateTimeFormat, reading: number): number {
  const guess = reading - (wallClock(format, reading).reading - reading);
  return guess - (wallClock(format, guess).reading - reading);
}
