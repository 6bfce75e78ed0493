import assert from "node:assert/strict";
import { test } from "node:test";
import { FIXES, explainBubblewrap } from "./causes.ts";
import type { KernelSettings } from "./kernel.ts";

const BWRAP = "/usr/bin/bwrap";
const OPEN: KernelSettings = { maxUserNamespaces: 96365, unprivilegedUserNamespaces: 1, apparmorRestriction: 0 };
const NONE: KernelSettings = { maxUserNamespaces: null, unprivilegedUserNamespaces: null, apparmorRestriction: null };
const REFUSED =
  "bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces.";

/** What bwrap says, under which settings, and what mends it. */
const CASES: [words: string, settings: KernelSettings, fix: keyof typeof FIXES][] = [
  ["bwrap: setting up uid map: Permission denied", { ...OPEN, apparmorRestriction: 1 }, "apparmor"],
  ["bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", { ...OPEN, apparmorRestriction: 1 }, "apparmor"],
  ["bwrap: Failed to make / slave: Permission denied", { ...OPEN, apparmorRestriction: 2 }, "apparmor"],
  [REFUSED, { ...OPEN, unprivilegedUserNamespaces: 0 }, "unprivileged"],
  [REFUSED, { ...OPEN, maxUserNamespaces: 0 }, "namespaces"],
  [REFUSED, OPEN, "seccomp"],
  ["bwrap: setting up uid map: Permission denied", NONE, "seccomp"],
  [
    "bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)",
    OPEN,
    "namespaces",
  ],
  [
    "bwrap: Creating new namespace failed, likely because the kernel does not support user namespaces.  " +
      "bwrap must be installed setuid on such systems.",
    NONE,
    "kernel",
  ],
  ["bwrap: Can't mount proc on /newroot/proc: Operation not permitted", OPEN, "proc"],
  ["bwrap: The --size option is not permitted in setuid mode", OPEN, "setuid"],
  ["bwrap: cannot open /proc/sys/user/max_user_namespaces: Permission denied", OPEN, "setuid"],
  ["bwrap: setuid use of bubblewrap is not supported in this build", OPEN, "setuid"],
  ["bwrap: Unknown option --disable-userns", OPEN, "upgrade"],
];

for (const [words, settings, fix] of CASES) {
  test(`${words.slice(0, 70)} is mended by: ${fix}`, () => {
    assert.equal(explainBubblewrap(BWRAP, `${words}\n`, settings).fix, FIXES[fix](BWRAP));
  });
}

test("of two kernel parameters that are to be set, both hold after a boot", () => {
  const files = [FIXES.unprivileged(), FIXES.namespaces()].map((fix) => /tee (\S+)/.exec(fix)?.[1]);
  assert.equal(new Set(files).size, 2);
});

test("what is not known is told in bwrap's own words", () => {
  const { cause, fix } = explainBubblewrap(BWRAP, "bwrap: first\nbwrap: something new\n", OPEN);
  assert.match(cause, /something new/);
  assert.match(fix, /\/usr\/bin\/bwrap --unshare-user/);
  assert.match(explainBubblewrap(BWRAP, "", OPEN).cause, /without a word/);
});
