import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isErrno } from "../files.ts";
import { type ProcessIdentity, identify, isSameProcess, signalProcess } from "./identity.ts";
import type { Exit } from "./record.ts";

/** In the directory of a sandboxed process: what bubblewrap tells of it. */
export const SANDBOX_FILE = "sandbox";

/** The words that start bubblewrap, so that it tells through a descriptor what it does. */
export function tellingStatus(sandbox: readonly string[], descriptor: number): string[] {
  const [bwrap = "", ...rest] = sandbox;
  return [bwrap, "--json-status-fd", String(descriptor), ...rest];
}

/**
 * Signals the process group inside of a sandbox: a signal to bubblewrap itself, `outer`, would kill all inside at once, and
 * one to the init process inside is ignored. False when there is nothing inside yet, or no sandbox at all: then `outer` is
 * the one to signal. True, too, when all inside has ended and `outer` is about to.
 */
export function signalInside(dir: string, outer: ProcessIdentity, signal: NodeJS.Signals): boolean {
  const pid = readStatus(dir)?.childPid;
  if (pid === undefined || pid === null) return false;
  const init = identify(pid);
  // A child of the very process that makima started is what makima started.
  if (init?.parent !== outer.pid || !isSameProcess(outer)) return true;
  return signalProcess(init, signal, { group: true });
}

/** Whether a process ended without having been started, because bubblewrap could not make its sandbox. */
export function sandboxFailed(dir: string, exit: Exit): boolean {
  if (exit.kind !== "exited" || exit.code === 0) return false;
  const status = readStatus(dir);
  return status !== null && !status.ended;
}

interface SandboxStatus {
  /** The init process of the sandbox's pid namespace, child of bubblewrap; leads the program's group. */
  childPid: number | null;
  /** Whether the program has run and ended. */
  ended: boolean;
}

/** What bubblewrap has told so far; null for a process without a sandbox. */
function readStatus(dir: string): SandboxStatus | null {
  let text: string;
  try {
    text = readFileSync(join(dir, SANDBOX_FILE), "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw error;
  }
  // One object a line. What follows the last line break is not whole.
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const childPid = /"child-pid": *(\d+)/.exec(whole)?.[1];
  return { childPid: childPid === undefined ? null : Number(childPid), ended: /"exit-code": *\d/.test(whole) };
}
