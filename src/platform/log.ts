import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";
import type { LogFormat, LogLevel } from "./log-levels.ts";

export type { Logger } from "pino";

export interface LogOptions {
  level: LogLevel;
  format: LogFormat;
  /** Gets whole lines. */
  stream: { write(line: string): unknown };
}

/** A logger that writes one line per message: JSON for machines, or `time LEVEL message key=value ...` for people. */
export function createLogger({ level, format, stream }: LogOptions): Logger {
  const destination: DestinationStream = {
    write: (line) => void stream.write(format === "json" ? line : prettyLine(line)),
  };
  return pino({ level, timestamp: stdTimeFunctions.isoTime, base: null }, destination);
}

function prettyLine(line: string): string {
  const { time, level, msg = "", err, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const label = (pino.levels.labels[Number(level)] ?? String(level)).toUpperCase().padEnd(5);
  const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${prettyValue(value)}`);
  return `${plain(`${String(time)} ${label} ${String(msg)}${pairs.join("")}`)}\n${errorLines(err)}`;
}

function prettyValue(value: unknown): string {
  return typeof value === "string" && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
}

/** A stack trace keeps its lines: it is what a pretty log is read for. */
function errorLines(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  const text = "stack" in error ? String(error.stack) : JSON.stringify(error);
  return text.replaceAll(/^.*$/gm, (line) => `    ${plain(line)}`).concat("\n");
}

/** Messages may quote an agent: a control character must neither drive the terminal nor start a line of its own. */
function plain(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
