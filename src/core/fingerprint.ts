import { stripAnsi } from "./text.ts";

/**
 * What stays the same of an error message when it happens again: the message without ANSI escapes, timestamps,
 * durations, addresses, temp paths and uuids, with white space collapsed. Linear in the length of the message.
 */
export function fingerprint(message: string): string {
  let text = stripAnsi(message);
  for (const [pattern, replacement] of VOLATILE) text = text.replace(pattern, replacement);
  return text.replace(/\s+/g, " ").trim();
}

/**
 * In order: a temp path may hold a uuid or a date, a date holds a time, a time ends in what looks like a duration.
 * Every repetition is bounded, or is a single class that nothing after it can fail: that keeps each pass linear.
 */
const VOLATILE: readonly [RegExp, string][] = [
  [/(?:\/private)?(?:\/var)?\/tmp\/[^\s'"`()<>:,;]+/g, "<tmp>"],
  [/(?:\/private)?\/var\/folders\/[^\s'"`()<>:,;]+/g, "<tmp>"],
  [/\b[A-Za-z]:\\(?:[^\\\s]{1,60}\\){1,6}Temp\\[^\s'"`()<>:,;]+/g, "<tmp>"],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<uuid>"],
  [/\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?(?:Z|[+-]\d{2}:?\d{2}))?)?(?!\d)/g, "<time>"],
  // Written dates: what stands around the month and the clock, then both.
  [/\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?=\d|[A-Z][a-z]{2} )/g, ""],
  [
    /\b(?:\d{1,2} )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (?:\d{1,2} )?(?:\d{4} )?(?=\d\d:\d\d:\d\d)/g,
    "",
  ],
  [/(?<=\d\d:\d\d:\d\d) (?:GMT|UTC)(?: \d{4}\b)?/g, ""],
  [/(?<![\d:])\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?: ?[AP]M)?(?![\d:])/g, "<time>"],
  [/\b1\d{9}(?:\d{3})?\b/g, "<time>"],
  [/(?<![\w.])\d{1,12}(?:\.\d{1,12})? ?(?:ns|µs|us|ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b/g, "<duration>"],
  [/<duration>(?: ?<duration>)+/g, "<duration>"],
  [/\b0x[0-9a-f]{1,16}\b/gi, "<address>"],
  [/\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d{1,5})?\b/g, "<address>"],
  [/(?:\[[0-9a-f:]{2,39}\]|\blocalhost):\d{1,5}\b/gi, "<address>"],
];
