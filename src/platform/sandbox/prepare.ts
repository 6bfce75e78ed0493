import { lstat, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isErrno } from "../files.ts";
import { bubblewrapArguments, requirePath, unmountable } from "./plan.ts";
import type { Overlay, SandboxPlan, SandboxRequest } from "./request.ts";

/**
 * The words to put before a program and its arguments so that it runs in the sandbox. What is to be hidden, read-only or
 * exposed and is missing is skipped; everything else that is not as requested is `sandbox_unavailable`: a sandbox is
 * either what was asked for, or not there.
 *
 * @param bwrap absolute path, see `findBubblewrap`
 */
export async function prepareSandbox(bwrap: string, request: SandboxRequest): Promise<readonly string[]> {
  requirePath(bwrap);
  return [bwrap, ...bubblewrapArguments(await resolveRequest(request)), "--", ...INIT];
}

/**
 * Processes and threads of one sandbox. A large test run with a browser takes about a thousand, and the smallest process
 * table of Linux holds 32,768: this is what a fork bomb gets at most. Kernels before 5.14 count all that the user runs
 * outside too; none of them limits root.
 */
const MAX_PROCESSES = 4096;

/**
 * Process 1 of the sandbox: starts the program, takes in orphans, and with its end everything inside ends.
 *
 * - The limit is set inside of the user namespace, where it counts the sandbox alone. bash calls it `-u`, dash and
 *   busybox `-p`.
 * - A signal to the group is for the program. Without traps a shell would end at it, and everything inside with it.
 * - The program runs in the foreground, since a shell's background jobs ignore SIGINT.
 * - What the shell says of signals ("Terminated") is not the program's output.
 * - `exit` stands last because some shells run the last command in their own place: the program would be process 1, and
 *   deaf to every signal that it does not handle.
 */
const INIT_SCRIPT = `trap : INT TERM
exec 3>&2 2>/dev/null
ulimit -u ${MAX_PROCESSES} || ulimit -p ${MAX_PROCESSES}
(exec 2>&3 3>&-; exec "$@")
exit`;
const INIT = ["/bin/sh", "-c", INIT_SCRIPT, "sh"];

async function resolveRequest(request: SandboxRequest): Promise<SandboxPlan> {
  const [dir, writable, exposed, hidden, scratch, readonly, overlays, nameServers] = await Promise.all([
    realpathOf(request.dir),
    Promise.all(request.writable.map(realpathOf)),
    whereReachable(request.exposed),
    whereThere(request.hidden),
    Promise.all(request.scratch.map(realpathOf)),
    whereThere(request.readonly),
    Promise.all(request.overlays.map(resolveOverlay)),
    realpathIfThere("/etc/resolv.conf"),
  ]);
  await requireNoWayOut(request, [dir, ...writable]);
  const kinds = await Promise.all(hidden.map(async (path) => ({ path, directory: (await stat(path)).isDirectory() })));
  return { ...request, dir, writable, exposed, hidden: kinds, scratch, readonly, overlays, nameServers };
}

/**
 * A link in what can be written may be the work of who was in there before: what is to be writable or read by that name would
 * then be whatever it points to. `open`: the resolved `dir` and `writable`.
 */
async function requireNoWayOut({ dir, writable, scratch, readonly }: SandboxRequest, open: string[]): Promise<void> {
  const places = [dir, ...writable].map((path, index) => ({ path, real: open[index] ?? path }));
  for (const path of [dir, ...writable, ...scratch, ...readonly]) {
    const real = await realpathIfThere(path);
    const left = places.find((place) => isBelow(path, place) && real !== null && !isAtOrBelow(real, place.real));
    if (left !== undefined) throw unmountable(path, `a link leads from there out of ${left.path}, which is writable`);
  }
}

/** By its name, whatever that leads to. */
function isBelow(path: string, { path: outer, real }: { path: string; real: string }): boolean {
  return [outer, real].some((one) => path !== one && isAtOrBelow(path, one));
}

function isAtOrBelow(path: string, outer: string): boolean {
  return path === outer || path.startsWith(`${outer}/`);
}

/** What cannot be reached out here need not be in there: PATH may name directories of other users. */
async function whereReachable(paths: readonly string[]): Promise<string[]> {
  const resolved = await Promise.all(paths.map((path) => realpathIfThere(path).catch(() => null)));
  return resolved.filter((path) => path !== null);
}

async function whereThere(paths: readonly string[]): Promise<string[]> {
  const resolved = await Promise.all(paths.map(realpathIfThere));
  return resolved.filter((path) => path !== null);
}

/** Its place need not be there yet, but the directory must: what is laid over would not be found elsewhere. */
async function resolveOverlay({ from, at }: Overlay): Promise<Overlay> {
  const place = (await realpathIfThere(at)) ?? join(await realpathOf(dirname(at)), basename(at));
  if (await isDanglingLink(place)) throw unmountable(at, "it is a symbolic link to nowhere");
  return { from: await realpathOf(from), at: place };
}

async function isDanglingLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}

async function realpathOf(path: string): Promise<string> {
  const resolved = await realpathIfThere(path);
  if (resolved === null) throw unmountable(path, "it does not exist");
  return resolved;
}

/** Null when there is no such path, at least for now. What cannot be looked up may be there. */
async function realpathIfThere(path: string): Promise<string | null> {
  requirePath(path);
  try {
    return await realpath(path);
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return null;
    throw unmountable(path, error instanceof Error ? error.message : String(error));
  }
}
