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
  return [bwrap, ...bubblewrapArguments(await resolveRequest(request)), "--", ...LIMITED];
}

/**
 * Processes and threads of one sandbox. A large test run with a browser takes about a thousand, and the smallest process
 * table of Linux holds 32,768: this is what a fork bomb gets at most. Kernels before 5.14 count all that the user runs
 * outside too; none of them limits root.
 */
const MAX_PROCESSES = 4096;

/** Set inside of the user namespace, where it counts the sandbox alone. bash calls it `-u`, dash and busybox `-p`. */
const LIMIT = `ulimit -u ${MAX_PROCESSES} 2>/dev/null || ulimit -p ${MAX_PROCESSES} 2>/dev/null; exec "$@"`;
const LIMITED = ["/bin/sh", "-c", LIMIT, "sh"];

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
  const kinds = await Promise.all(hidden.map(async (path) => ({ path, directory: (await stat(path)).isDirectory() })));
  return { ...request, dir, writable, exposed, hidden: kinds, scratch, readonly, overlays, nameServers };
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
