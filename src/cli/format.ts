import { escapeForTerminal, stripAnsi } from "../core/text.ts";
import { SECOND } from "../platform/config/units.ts";

/** Text from outside makima as one harmless line. */
export function inline(text: string): string {
  return escapeForTerminal(stripAnsi(text.trim()).replaceAll(/\s*\n\s*/g, " "));
}

/** Text from outside with its lines. */
export function block(text: string): string {
  return escapeForTerminal(stripAnsi(text), { keepNewlines: true });
}

/** One line of bounded length. */
export function brief(text: string, max: number): string {
  const line = inline(text);
  return line.length > max ? `${line.slice(0, max - 1)}…` : line;
}

/** "0.8s", "42s", "3m05s", "2h05m": as exact as a person wants it. */
export function elapsed(ms: number): string {
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)}s`;
  const seconds = Math.round(ms / SECOND);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${pad(seconds % 60)}s`;
  return `${Math.floor(minutes / 60)}h${pad(minutes % 60)}m`;
}

export function money(usd: number): string {
  return usd > 0 && usd < 0.1 ? `$${usd.toFixed(4)}` : `$${usd.toFixed(2)}`;
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Local wall-clock time, with the day when that is not today: "14:05:09", "2026-01-31 14:05:09". */
export function clockTime(at: number, now: number): string {
  const day = (ms: number) => new Date(ms).toLocaleDateString("sv-SE");
  const time = new Date(at).toLocaleTimeString("sv-SE");
  return day(at) === day(now) ? time : `${day(at)} ${time}`;
}

/** A word as a shell needs it written. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** "gpu=yes os=linux" */
export function labelText(labels: Record<string, string>): string {
  return inline(
    Object.entries(labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(" "),
  );
}

/** Columns as wide as their widest cell; the last one is not padded. */
export function table(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    rows.reduce((most, row) => Math.max(most, columnsOf(row[column] ?? "")), 0),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - columnsOf(cell)))
      .join("  ")
      .trimEnd(),
  );
}

/** Columns that a terminal gives to a line: two for East Asian characters and emoji, none for combining marks. */
function columnsOf(line: string): number {
  if (/^[ -~]*$/.test(line)) return line.length;
  const wide = line.match(WIDE)?.length ?? 0;
  const narrow = line.replace(WIDE, "").match(/\P{M}/gu)?.length ?? 0;
  return 2 * wide + narrow;
}

/** Ranges, because a regular expression of Unicode properties takes a millisecond of every command's start. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1faff}\u{20000}-\u{3fffd}]/gu;

function pad(number: number): string {
  return String(number).padStart(2, "0");
}
