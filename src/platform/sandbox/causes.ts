import type { KernelSettings } from "./kernel.ts";

/** Why there is no sandbox, in a person's words, and what mends it: a command wherever there is one. */
export interface SandboxProblem {
  cause: string;
  fix: string;
}

/** What is behind the last words of a bwrap that has failed (its stderr). `bwrap`: where it is. */
export function explainBubblewrap(bwrap: string, stderr: string, settings: KernelSettings): SandboxProblem {
  const known = CAUSES.find(({ says, holds }) => says.test(stderr) && (holds === undefined || holds(settings)));
  if (known !== undefined) return { cause: known.cause, fix: known.fix(bwrap) };
  const words = stderr.trim().split("\n").at(-1) ?? "";
  const cause = words === "" ? "bubblewrap failed without a word" : `bubblewrap failed (${words})`;
  return { cause, fix: `See what it wants: ${bwrap} --unshare-user --unshare-pid --ro-bind / / --proc /proc true` };
}

export const FIXES = {
  install: () => "sudo apt install bubblewrap (Debian, Ubuntu) or sudo dnf install bubblewrap (Fedora)",
  // Not by the package manager: a system whose bubblewrap is too old has no newer one.
  upgrade: () =>
    "Debian 12 and Ubuntu 24.04 have a newer one. Elsewhere: sudo apt install gcc git meson pkg-config libcap-dev && " +
    "git clone --branch v0.8.0 --depth 1 https://github.com/containers/bubblewrap && cd bubblewrap && " +
    "meson setup build && sudo meson install -C build",
  apparmor: (bwrap) =>
    `printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile bwrap ${bwrap} flags=(unconfined) {\\n  userns,\\n}\\n'` +
    " | sudo tee /etc/apparmor.d/bwrap && sudo apparmor_parser -r /etc/apparmor.d/bwrap",
  unprivileged: () => sysctl("kernel.unprivileged_userns_clone=1"),
  // A kernel's own default is half the number of threads that it allows; this is enough for a thousand sandboxes.
  namespaces: () => sysctl("user.max_user_namespaces=15000"),
  setuid: (bwrap) => `sudo chmod u-s ${bwrap}`,
  kernel: () => "Boot a kernel that was built with CONFIG_USER_NS=y",
  seccomp: () => "Start the container with --security-opt seccomp=unconfined --security-opt apparmor=unconfined",
  proc: () => "Start the container with --security-opt systempaths=unconfined",
} as const satisfies Record<string, (bwrap: string) => string>;

interface Cause {
  says: RegExp;
  /** What else must be so: several causes share their words. */
  holds?: (settings: KernelSettings) => boolean;
  cause: string;
  fix: (bwrap: string) => string;
}

const REFUSED = /Permission denied|Operation not permitted|No permissions to create new namespace/;

/** The first that fits counts. */
const CAUSES: readonly Cause[] = [
  {
    says: /setuid (mode|use)|max_user_namespaces: Permission denied/,
    cause: "bwrap is installed setuid root, and so cannot forbid further user namespaces inside",
    fix: FIXES.setuid,
  },
  {
    says: /Unknown option/,
    cause: "bubblewrap is too old",
    fix: FIXES.upgrade,
  },
  {
    says: /does not support user namespaces/,
    cause: "the kernel has no user namespaces",
    fix: FIXES.kernel,
  },
  {
    says: /ENOSPC|No space left on device|No permissions to create new namespace/,
    holds: ({ maxUserNamespaces }) => maxUserNamespaces === 0,
    cause: "user namespaces are turned off (user.max_user_namespaces=0)",
    fix: FIXES.namespaces,
  },
  {
    says: /ENOSPC|Creating new namespace failed: No space left on device/,
    cause: "there are as many user namespaces as the kernel allows (user.max_user_namespaces)",
    fix: FIXES.namespaces,
  },
  {
    says: REFUSED,
    holds: ({ unprivilegedUserNamespaces }) => unprivilegedUserNamespaces === 0,
    cause: "only root may make user namespaces (kernel.unprivileged_userns_clone=0)",
    fix: FIXES.unprivileged,
  },
  {
    says: REFUSED,
    holds: ({ apparmorRestriction }) => (apparmorRestriction ?? 0) > 0,
    cause: "AppArmor refuses user namespaces (kernel.apparmor_restrict_unprivileged_userns=1)",
    fix: FIXES.apparmor,
  },
  {
    says: /Can't mount proc/,
    cause: "the container that makima runs in hides parts of /proc, so that no fresh one can be mounted",
    fix: FIXES.proc,
  },
  {
    says: /(setting up [ug]id map|[Nn]ew namespace|RTM_NEWADDR|make \/ slave|pivot_root|[Uu]nshare).*(not permitted|denied)|No permissions to create/,
    cause: "the kernel refuses user namespaces; most likely this is a container whose seccomp profile forbids them",
    fix: FIXES.seccomp,
  },
];

/** Sets a kernel parameter, now and at every boot. A file for each: a second one must not take the first one's place. */
function sysctl(setting: string): string {
  const file = `/etc/sysctl.d/60-makima-${setting.split("=", 1)[0]}.conf`;
  return `echo ${setting} | sudo tee ${file} && sudo sysctl -p ${file}`;
}
