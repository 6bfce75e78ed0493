import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { isErrno } from "../files.ts";

/** A process for good: a pid alone is given to another process some time after the end of the first. */
export interface ProcessIdentity {
  pid: number;
  /** As the kernel tells it: clock ticks since boot (Linux), or a date (macOS, by the second). */
  startTime: string;
  bootId: string;
}

/** The process that has this pid now; null when there is none, or only a zombie. */
export function identify(pid: number): ProcessIdentity | null {
  const startTime = process.platform === "linux" ? startTimeFromProc(pid) : startTimeFromPs(pid);
  return startTime === null ? null : { pid, startTime, bootId: bootId() };
}

/** Whether that very process still runs. */
export function isSameProcess(identity: ProcessIdentity): boolean {
  const now = identify(identity.pid);
  return now !== null && now.startTime === identity.startTime && now.bootId === identity.bootId;
}

/** Signals that very process, or (`group`) the group that it leads; false when it has ended, or leads none. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals, { group = false } = {}): boolean {
  if (!isSameProcess(identity)) return false;
  try {
    return process.kill(group ? -identity.pid : identity.pid, signal);
  } catch (error) {
    if (isErrno(error, "ESRCH")) return false;
    throw error;
  }
}

/** Fields of /proc/PID/stat, from the third on: the second is the command, which may hold spaces and parentheses. */
const STATE = 0;
const START_TIME = 19;

function startTimeFromProc(pid: number): string | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return null;
  }
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const state = fields[STATE];
  return state === "Z" || state === "X" ? null : (fields[START_TIME] ?? null);
}

function startTimeFromPs(pid: number): string | null {
  const [state = "Z", ...date] = output("ps", ["-o", "state=,lstart=", "-p", String(pid)]).split(/\s+/);
  return state.startsWith("Z") ? null : date.join(" ");
}

let knownBootId: string | null = null;

function bootId(): string {
  knownBootId ??=
    process.platform === "linux"
      ? readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()
      : output("/usr/sbin/sysctl", ["-n", "kern.bootsessionuuid"]);
  return knownBootId;
}

function output(command: string, args: string[]): string {
  return spawnSync(command, args, {
    encoding: "utf8",
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
  }).stdout.trim();
}
