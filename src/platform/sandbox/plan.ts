import { posix } from "node:path";
import { MakimaError } from "../../core/errors.ts";
import { requireExtraArguments } from "./extra-arguments.ts";
import { type Mount, layoutOf } from "./layout.ts";
import type { SandboxPlan } from "./request.ts";

/**
 * The options of bwrap for a plan, in order: a later mount covers an earlier one. The program is to follow. Throws
 * `sandbox_unavailable` for a path that cannot be mounted, `config_invalid` for extra arguments that are not allowed.
 */
export function bubblewrapArguments(plan: SandboxPlan): string[] {
  requirePaths(plan);
  requireExtraArguments(plan.extraArgs);
  const mounts = layoutOf(plan);
  const network = plan.network === "none" ? ["--unshare-net"] : [];
  const base = ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", ...KERNEL_SETTINGS];
  const mounted = mounts.flatMap((mount) => mountArguments(mount, plan.tmpBytes));
  // bwrap's /dev is as large as half of the memory, and the user's to write.
  const closed = ["/dev", ...mounts.flatMap(({ at, kind }) => (kind === "hidden-directory" ? [at] : []))];
  // Last, since places for what is visible in them have to be made first, those of the extra arguments included.
  const closing = closed.flatMap((at) => ["--remount-ro", at]);
  return [...ISOLATION, ...network, ...base, ...mounted, ...plan.extraArgs, ...closing, "--chdir", plan.dir];
}

/**
 * - Without a session of its own a program can type into the terminal that makima was started from (TIOCSTI).
 * - die-with-parent reaches what has left the program's session only together with a pid namespace.
 * - As root, bwrap keeps every capability even in a user namespace, and could remount the host's root read-write.
 * - bwrap's own process 1 is the host's file, on the host's mount: as root a program made that setuid, through
 *   /proc/1/exe. It also tells the exit code by a descriptor that a program can take from it, to go on after its end was
 *   told. The command is process 1 instead: see prepareSandbox.
 */
const ISOLATION = (
  "--die-with-parent --new-session " +
  "--unshare-user --disable-userns --unshare-pid --as-pid-1 --unshare-ipc --unshare-uts --unshare-cgroup-try " +
  "--hostname makima --cap-drop ALL"
).split(" ");

/** root needs no capability to write them: it owns them, and one of them names a program that the kernel runs. */
const KERNEL_SETTINGS = ["--ro-bind", "/proc/sys", "/proc/sys"];

function mountArguments({ at, from, kind }: Mount, tmpBytes: number): string[] {
  switch (kind) {
    case "scratch":
      // Without a size it is half of the memory.
      return ["--size", String(tmpBytes), "--tmpfs", at];
    case "hidden-directory":
      return ["--tmpfs", at];
    case "hidden-file":
      // As a device it reads as empty; without, not at all, and many a tool does not start with a file that it cannot read.
      return ["--dev-bind", "/dev/null", at];
    case "read":
      return ["--ro-bind", from, at];
    case "write":
      return ["--bind", from, at];
  }
}

function requirePaths({ dir, writable, exposed, hidden, scratch, readonly, overlays, nameServers }: SandboxPlan): void {
  const places = [dir, ...writable, ...scratch, ...hidden.map(({ path }) => path), ...overlays.map(({ at }) => at)];
  const sources = [...exposed, ...readonly, ...overlays.map(({ from }) => from)];
  for (const path of [...places, ...sources, ...(nameServers === null ? [] : [nameServers])]) {
    requirePath(path);
    if (posix.resolve(path) !== path) throw unmountable(path, "it is not resolved");
    if (FRESH.test(path)) throw unmountable(path, "the sandbox has its own /dev and /proc");
  }
  const root = places.find((path) => path === "/");
  if (root !== undefined) throw unmountable(root, "everything would be writable, or hidden");
  for (const { at } of overlays) {
    if (!at.startsWith(`${dir}/`)) throw unmountable(at, `it is outside of ${dir}`);
  }
}

const FRESH = /^\/(proc|dev(?!\/shm(\/|$)))(\/|$)/;

/** A path that an argument list can hold, and that means the same everywhere. */
export function requirePath(path: string): void {
  if (!path.startsWith("/")) throw unmountable(path, "it is not absolute");
  if (path.includes("\0")) throw unmountable(path, "it holds a NUL");
}

/** `sandbox_unavailable` for a path, and why. */
export function unmountable(path: string, why: string): MakimaError {
  return new MakimaError("sandbox_unavailable", `No sandbox can be made with ${JSON.stringify(path)}: ${why}`, {
    hint: "Correct the path in [process.bubblewrap], or make it accessible.",
  });
}
