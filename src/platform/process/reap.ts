import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";
import { runCommand } from "./command.ts";
import { identify, signalProcess } from "./identity.ts";

/** Scans of the process table before giving up on something that multiplies faster than it is killed. */
const MAX_SCANS = 100;
/** Time for the killed to die. */
const PAUSE_MS = 10;
/** How many processes are looked at in one turn of the event loop: about 1 ms. */
const SLICE = 50;

/**
 * Kills every process of this user whose environment was started with `name=value`, wherever it fled: other groups and
 * sessions, orphans. This process itself is spared. False when some were still there at the end.
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
  const suspects = (await carriers(entry)).map(identify);
  if (suspects.length === 0) return 0;
  // A second look after the identities were taken: what is killed is what carried the entry, not a later owner of the pid.
  const confirmed = new Set(await carriers(entry));
  for (const suspect of suspects) {
    if (suspect !== null && confirmed.has(suspect.pid)) signalProcess(suspect, "SIGKILL");
  }
  return suspects.length;
}

async function carriers(entry: string): Promise<number[]> {
  const pids = process.platform === "linux" ? await carriersInProc(entry) : await carriersInPs(entry);
  return pids.filter((pid) => pid !== process.pid);
}

async function carriersInProc(entry: string): Promise<number[]> {
  const found: number[] = [];
  const pids = (await readdir("/proc")).map(Number).filter(Number.isInteger);
  for (const [index, pid] of pids.entries()) {
    // Synchronous reads, in slices: of files that the kernel makes up they cost a fifth of asynchronous ones.
    if (index % SLICE === SLICE - 1) await nextTurn();
    if (`\0${environmentOf(pid)}`.includes(`\0${entry}\0`)) found.push(pid);
  }
  return found;
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
  const { stdout } = await runCommand(["ps", "-E", "-x", "-ww", "-o", "pid=,command="], {
    cwd: "/",
    env: { PATH: "/usr/bin:/bin" },
    timeoutMs: 10_000,
    maxOutputBytes: 64 * 1024 * 1024,
  });
  const lines = stdout.toString("utf8").split("\n");
  return lines.filter((line) => `${line} `.includes(` ${entry} `)).map((line) => Number.parseInt(line, 10));
}
