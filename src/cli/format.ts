import { escapeForTerminal, stripAnsi } from "../core/text.ts";
import { SECOND } from "../platform/config/units.ts";

/** Text from outside makima as one harmless line. */
export function inline(text: string): string {
  return escapeForTerminal(stripAnsi(text.trim()).replaceAll(/\s*\n\s*/g, " "));
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

/** Columns as wide as their widest cell; the last one is not padded. */
export function table(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}
