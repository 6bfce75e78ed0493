import { access, constants, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import { runCommand } from "../process/command.ts";
import { FIXES } from "./causes.ts";

/** The first with `--disable-userns`: without it a program inside could make itself root of its own mounts. */
export const OLDEST = "0.8.0";

/** By name: environment variables, of which the search needs PATH. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Absolute path of the bwrap that is to be used. Throws `sandbox_unavailable`, with the command that mends it, where there
 * is none, or only one that is too old.
 */
export async function findBubblewrap(environment: Environment): Promise<string> {
  if (process.platform !== "linux") throw unavailable("Bubblewrap sandboxes exist only on Linux", ONLY_LINUX);
  const bwrap = await locateBubblewrap(environment);
  if (bwrap === null) throw unavailable("Bubblewrap is not installed", FIXES.install());
  const version = await versionOf(bwrap);
  if (version === null) throw unavailable(`${bwrap} does not tell its version`, FIXES.install());
  if (isTooOld(version))
    throw unavailable(`${bwrap} is ${version}; ${OLDEST} is the oldest that will do`, FIXES.upgrade());
  return bwrap;
}

export const ONLY_LINUX = "Run the daemon on Linux (a virtual machine will do), or without bubblewrap.";

/** Where PATH leads to a bwrap; null where it does not. */
export async function locateBubblewrap({ PATH = "" }: Environment): Promise<string | null> {
  // Never in the working directory, which is not to be trusted.
  for (const directory of [...PATH.split(":").filter(isAbsolute), "/usr/bin", "/bin"]) {
    const file = join(directory, "bwrap");
    if (await isProgram(file)) return file;
  }
  return null;
}

/** Such as "0.8.0"; null when it does not run, or says something else. */
export async function versionOf(bwrap: string): Promise<string | null> {
  const limits = { timeoutMs: TIME_LIMIT, maxOutputBytes: MAX_OUTPUT };
  const { stdout } = await runCommand([bwrap, "--version"], { cwd: "/", env: {}, ...limits });
  return /\b\d+\.\d+(\.\d+)?\b/.exec(stdout.toString("utf8"))?.[0] ?? null;
}

export function isTooOld(version: string): boolean {
  return version.localeCompare(OLDEST, "en", { numeric: true }) < 0;
}

export function unavailable(message: string, hint: string): MakimaError {
  return new MakimaError("sandbox_unavailable", message, { hint });
}

const TIME_LIMIT = 10_000;
const MAX_OUTPUT = 4096;

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
