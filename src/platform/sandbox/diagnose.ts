import { stat } from "node:fs/promises";
import { FIXES } from "./causes.ts";
import { type Environment, OLDEST, ONLY_LINUX, isTooOld, locateBubblewrap, versionOf } from "./find.ts";
import { type KernelSettings, readKernelSettings } from "./kernel.ts";
import { problemWith } from "./probe.ts";

/** One thing that a sandbox needs. `note`: it may be why a sandbox does not start, but is no fault by itself. */
export interface Finding {
  name: string;
  state: "ok" | "note" | "broken";
  detail: string;
  /** What mends it, a command wherever there is one; null where there is nothing to mend. */
  fix: string | null;
}

/** Looks at all that a sandbox needs, and starts one: for people, who want to know before a task does. */
export async function diagnoseSandbox(environment: Environment): Promise<Finding[]> {
  if (process.platform !== "linux") return [broken("bubblewrap", "sandboxes exist only on Linux", ONLY_LINUX)];
  const bwrap = await locateBubblewrap(environment);
  if (bwrap === null) return [broken("bubblewrap", "not installed", FIXES.install())];
  const settings = await readKernelSettings();
  const program = [await versionFinding(bwrap), await setuidFinding(bwrap)];
  const start = await startFinding(bwrap, environment);
  // The kernel's settings are what may be to blame. Where a sandbox starts, none of them is.
  const suspects = start.state === "ok" ? [] : kernelFindings(bwrap, settings);
  return [...program, ...suspects, start];
}

async function versionFinding(bwrap: string): Promise<Finding> {
  const version = await versionOf(bwrap);
  if (version === null) return broken("bubblewrap", `${bwrap} does not tell its version`, FIXES.install());
  if (!isTooOld(version)) return fine("bubblewrap", `${bwrap} ${version}`);
  return broken("bubblewrap", `${bwrap} is ${version}; ${OLDEST} is the oldest that will do`, FIXES.upgrade());
}

async function setuidFinding(bwrap: string): Promise<Finding> {
  const { mode } = await stat(bwrap);
  if ((mode & SETUID) === 0) return fine("bwrap's mode", "not setuid");
  return broken("bwrap's mode", "setuid root: it then cannot forbid user namespaces inside", FIXES.setuid(bwrap));
}

const SETUID = 0o4000;

async function startFinding(bwrap: string, environment: Environment): Promise<Finding> {
  const problem = await problemWith(bwrap, environment);
  return problem === null ? fine("sandbox", "starts") : broken("sandbox", problem.cause, problem.fix);
}

/** The settings that this kernel has, each with what it means. */
export function kernelFindings(bwrap: string, settings: KernelSettings): Finding[] {
  const { maxUserNamespaces: max, unprivilegedUserNamespaces: unprivileged, apparmorRestriction: apparmor } = settings;
  return [
    max === null ? broken("user namespaces", "the kernel has none", FIXES.kernel()) : maxFinding(max),
    ...(unprivileged === null ? [] : [unprivilegedFinding(unprivileged)]),
    ...(apparmor === null ? [] : [apparmorFinding(apparmor, bwrap)]),
  ];
}

function maxFinding(max: number): Finding {
  const detail = `user.max_user_namespaces=${max}`;
  return max === 0 ? broken("user namespaces", detail, FIXES.namespaces()) : fine("user namespaces", detail);
}

/** Root is not affected. */
function unprivilegedFinding(value: number): Finding {
  const detail = `kernel.unprivileged_userns_clone=${value}`;
  return value === 0
    ? note("user namespaces of users", detail, FIXES.unprivileged())
    : fine("user namespaces of users", detail);
}

/** It does not concern root, nor a bwrap that has a profile. */
function apparmorFinding(value: number, bwrap: string): Finding {
  const detail = `kernel.apparmor_restrict_unprivileged_userns=${value}`;
  return value === 0 ? fine("AppArmor", detail) : note("AppArmor", detail, FIXES.apparmor(bwrap));
}

function fine(name: string, detail: string): Finding {
  return { name, state: "ok", detail, fix: null };
}

function note(name: string, detail: string, fix: string): Finding {
  return { name, state: "note", detail, fix };
}

function broken(name: string, detail: string, fix: string): Finding {
  return { name, state: "broken", detail, fix };
}
