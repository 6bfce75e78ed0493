import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";
import { isErrno } from "../files.ts";
import { runCommand } from "./command.ts";
import { familyOf } from "./family.ts";
import { PS_FIELDS, type ProcessEntry, entryFromPs, identify, signalProcess } from "./identity.ts";

/** Scans of the process table before giving up on something that multiplies faster than it is killed. */
const MAX_SCANS = 100;
/** Time for the killed to die. */
const PAUSE_MS = 10;
/** How many processes are looked at in one turn of the event loop: about 1 ms. */
const SLICE = 50;

/**
 * Kills every process of this user whose environment was started with `name=value`, wherever it fled (other groups and
 * sessions, orphans, sandboxes), and with it what it has started with another environment. This process itself is spared.
 * False when some were still there at the end.
 */
export async function killByEnvironment(name: string, value: string): Promise<boolean> {
  // Twice none, because a process that was forking during a scan may have left a child behind the scan's back.
  let emptyScans = 0;
  for (let scan = 0; scan < MAX_SCANS && emptyScans < 2; scan++) {
    const found = await killOnce(`${name}=${value}`);
    emptyScans = found === 0 ? emptyScans + 1 : 0;
    if (found > 0) await delay(PAUSE_MS);
  }
  return emptyScans === 2;
}

/** Returns how many were found. */
async function killOnce(entry: string): Promise<number> {
  const suspects = await carriers(entry);
  if (suspects.length === 0) return 0;
  const table = await processTable();
  // A second look after the identities were taken: what is killed is what carried the entry, not a later owner of the pid.
  const again = new Set(await carriers(entry));
  const confirmed = new Set(suspects.filter((pid) => again.has(pid)));
  for (const process of familyOf(confirmed, table, { spared: self })) kill(process);
  return suspects.length;
}

const self = process.pid;

function kill(process: ProcessEntry): void {
  try {
    signalProcess(process, "SIGKILL");
  } catch (error) {
    // It has become another user (sudo), and is not ours to kill any more.
    if (!isErrno(error, "EPERM")) throw error;
  }
}

async function carriers(entry: string): Promise<number[]> {
  const pids = process.platform === "linux" ? await carriersInProc(entry) : await carriersInPs(entry);
  return pids.filter((pid) => pid !== self);
}

async function carriersInProc(entry: string): Promise<number[]> {
  const found: number[] = [];
  for await (const pid of pidsInProc()) {
    if (`\0${environmentOf(pid)}`.includes(`\0${entry}\0`)) found.push(pid);
  }
  return found;
}

async function processTable(): Promise<ProcessEntry[]> {
  if (process.platform !== "linux") return (await ps(PS_FIELDS)).flatMap((line) => entryFromPs(line) ?? []);
  const table: ProcessEntry[] = [];
  for await (const pid of pidsInProc()) {
    const entry = identify(pid);
    if (entry !== null) table.push(entry);
  }
  return table;
}

/** In slices, for synchronous reads: of files that the kernel makes up they cost a fifth of asynchronous ones. */
async function* pidsInProc(): AsyncGenerator<number> {
  const pids = (await readdir("/proc")).map(Number).filter(Number.isInteger);
  for (const [index, pid] of pids.entries()) {
    if (index % SLICE === SLICE - 1) await nextTurn();
    yield pid;
  }
}

/** Empty for processes that are gone, and for those of other users, which are not ours to kill. */
function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return "";
  }
}

/** As well as macOS lets us: `ps` prints the environment after the command, separated by spaces. */
async function carriersInPs(entry: string): Promise<number[]> {
  const lines = await ps(["-E", "-o", "pid=,command="]);
  return lines.filter((line) => `${line} `.includes(` ${entry} `)).map((line) => Number.parseInt(line, 10));
}

/** A line for every process of this user. */
async function ps(options: readonly string[]): Promise<string[]> {
  const { stdout } = await runCommand(["ps", "-x", "-ww", ...options], {
    cwd: "/",
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
    timeoutMs: 10_000,
    maxOutputBytes: 64 * 1024 * 1024,
  });
  return stdout.toString("utf8").split("\n");
}
