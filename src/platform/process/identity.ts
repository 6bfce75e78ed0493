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

/** A process, and whom it belongs to; all by their pids. */
export interface ProcessEntry extends ProcessIdentity {
  parent: number;
  group: number;
  /** On macOS, which does not tell it, the group. */
  session: number;
}

/** The process that has this pid now; null when there is none, or only a zombie. */
export function identify(pid: number): ProcessEntry | null {
  return process.platform === "linux"
    ? entryFromProc(pid)
    : entryFromPs(output("ps", ["-p", String(pid), ...PS_FIELDS]));
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
const PARENT = 1;
const GROUP = 2;
const SESSION = 3;
const START_TIME = 19;

function entryFromProc(pid: number): ProcessEntry | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return null;
  }
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const state = fields[STATE];
  const startTime = fields[START_TIME];
  if (state === "Z" || state === "X" || startTime === undefined) return null;
  const [parent, group, session] = [Number(fields[PARENT]), Number(fields[GROUP]), Number(fields[SESSION])];
  return { pid, startTime, bootId: bootId(), parent, group, session };
}

/** What `ps` is to print of each process for `entryFromPs`. */
export const PS_FIELDS = ["-o", "pid=,ppid=,pgid=,state=,lstart="];

/** The process of a line of `ps`. */
export function entryFromPs(line: string): ProcessEntry | null {
  const [pid, parent, group, state = "Z", ...date] = line.trim().split(/\s+/);
  if (state.startsWith("Z")) return null;
  const kin = { parent: Number(parent), group: Number(group), session: Number(group) };
  return { pid: Number(pid), startTime: date.join(" "), bootId: bootId(), ...kin };
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
