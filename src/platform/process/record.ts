import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isErrno } from "../files.ts";
import type { ProcessIdentity } from "./identity.ts";

/**
 * How a process ended. A shell cannot tell a process that exits with 128 + n from one killed by signal n: both are
 * `signaled`. `lost`: it is gone, and its shim was killed before it could say how it ended.
 */
export type Exit = { kind: "exited"; code: number } | { kind: "signaled"; signal: NodeJS.Signals } | { kind: "lost" };

/** Who runs in a directory: the process, and the shell that waits for it and will write `exit`. */
export interface ProcessRecord {
  process: ProcessIdentity;
  shim: ProcessIdentity;
}

/** What the shim wrote before it started the process; null when no process was started. */
export function readRecord(dir: string): ProcessRecord | null {
  const [bootId, pid, startTime, shimPid, shimStartTime] = readLine(join(dir, "pid")).split("|");
  if (bootId === undefined || startTime === undefined || shimStartTime === undefined) return null;
  return {
    process: { pid: Number(pid), startTime, bootId },
    shim: { pid: Number(shimPid), startTime: shimStartTime, bootId },
  };
}

const ABANDONED = "abandoned";

/**
 * Makes sure that a shim which was started for this directory and has not come to the point never starts the process, by
 * taking the file that it would have to make. False when a shim was faster, and has written its record or is about to.
 */
export function abandon(dir: string): boolean {
  try {
    writeFileSync(join(dir, "pid"), `${ABANDONED}\n`, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return true;
    if (isErrno(error, "EEXIST")) return readLine(join(dir, "pid")) === ABANDONED;
    throw error;
  }
}

/** Opens a directory in which nothing was started, and nothing would be, to another start. */
export function reclaim(dir: string): void {
  if (readRecord(dir) === null) rmSync(join(dir, "pid"), { force: true });
}

/** The end that the shim wrote; null when it has not written one. */
export function readExit(dir: string): Exit | null {
  const [kind, value = ""] = readLine(join(dir, "exit")).split(" ");
  if (kind === "exit") return { kind: "exited", code: Number(value) };
  if (kind === "signal") return { kind: "signaled", signal: `SIG${value}` as NodeJS.Signals };
  return null;
}

/** The one line of a file; empty while it is not there or not whole. */
function readLine(path: string): string {
  try {
    const text = readFileSync(path, "utf8");
    return text.endsWith("\n") ? text.slice(0, -1) : "";
  } catch (error) {
    if (isErrno(error, "ENOENT")) return "";
    throw error;
  }
}
