import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";
import type { LogFormat, LogLevel } from "./log-levels.ts";
import { redactStream } from "./redact/secrets.ts";

export type { Logger } from "pino";

export interface LogOptions {
  level: LogLevel;
  format: LogFormat;
  /** Gets whole lines, but for what may be the beginning of a secret of several: that comes with the next. */
  stream: { write(line: string): unknown };
}

/**
 * A logger that writes one line per message: JSON for machines, or `time LEVEL message key=value ...` for people. What is
 * written holds no secret that this process knows.
 */
export function createLogger({ level, format, stream }: LogOptions): Logger {
  const withoutSecrets = redactStream();
  const destination: DestinationStream = {
    write(line) {
      const text = withoutSecrets(format === "json" ? line : prettyLine(line));
      if (text !== "") stream.write(text);
    },
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
