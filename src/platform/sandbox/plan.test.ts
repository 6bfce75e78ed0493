import fc from "fast-check";
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { test } from "node:test";
import { type Seen, interpret, isWithin } from "./fixtures/interpret.ts";
import { SCRATCH } from "./layout.ts";
import { bubblewrapArguments } from "./plan.ts";
import type { SandboxPlan } from "./request.ts";

const EMPTY: SandboxPlan = {
  dir: "/home/me/wt/task",
  writable: [],
  exposed: [],
  hidden: [],
  scratch: [],
  readonly: [],
  overlays: [],
  nameServers: null,
  tmpBytes: 1000,
  network: "host",
  extraArgs: [],
};

test("the argument list, in full", () => {
  const plan: SandboxPlan = {
    ...EMPTY,
    writable: ["/home/me/cache"],
    exposed: ["/tmp/tools", "/usr/share"],
    hidden: [
      { path: "/home/me/.netrc", directory: false },
      { path: "/home/me/wt", directory: true },
    ],
    scratch: ["/home/me/.state"],
    readonly: ["/home/me/wt/other/.git"],
    overlays: [{ from: "/home/me/config", at: "/home/me/wt/task/.git/config" }],
    nameServers: "/run/systemd/resolve/stub-resolv.conf",
    network: "none",
    extraArgs: ["--setenv", "A", "b"],
  };
  const expected = [
    "--die-with-parent --new-session --unshare-user --disable-userns --unshare-pid --as-pid-1 --unshare-ipc",
    "--unshare-uts --unshare-cgroup-try --hostname makima --cap-drop ALL --unshare-net",
    "--ro-bind / / --dev /dev --proc /proc --ro-bind /proc/sys /proc/sys",
    "--size 1000 --tmpfs /tmp --size 1000 --tmpfs /run --size 1000 --tmpfs /dev/shm --size 1000 --tmpfs /var/tmp",
    "--ro-bind /tmp/tools /tmp/tools",
    "--dev-bind /dev/null /home/me/.netrc",
    "--tmpfs /home/me/wt",
    "--size 1000 --tmpfs /home/me/.state",
    "--bind /home/me/cache /home/me/cache",
    "--ro-bind /run/systemd/resolve/stub-resolv.conf /run/systemd/resolve/stub-resolv.conf",
    "--bind /home/me/wt/task /home/me/wt/task",
    "--ro-bind /home/me/wt/other/.git /home/me/wt/other/.git",
    "--ro-bind /home/me/config /home/me/wt/task/.git/config",
    "--setenv A b",
    "--remount-ro /dev --remount-ro /home/me/wt",
    "--chdir /home/me/wt/task",
  ];
  assert.deepEqual(bubblewrapArguments(plan), expected.join(" ").split(" "));
});

test("what is not a resolved path of its own is refused", () => {
  const refused: Partial<SandboxPlan>[] = [
    { dir: "relative" },
    { dir: "/" },
    { dir: "/home/me/../you" },
    { writable: ["/home/me/"] },
    { writable: ["/"] },
    { writable: ["/proc/sys"] },
    { writable: ["/dev/shm2"] },
    { exposed: ["--bind"] },
    { readonly: [""] },
    { readonly: ["/a\0b"] },
    { scratch: ["/"] },
    { hidden: [{ path: "/", directory: true }] },
    { hidden: [{ path: "/dev/null", directory: false }] },
    { nameServers: "../etc/resolv.conf" },
    { overlays: [{ from: "/config", at: "/home/me/wt/other/.git/config" }] },
    { overlays: [{ from: "/config", at: "/home/me/wt/task" }] },
    { overlays: [{ from: "config", at: "/home/me/wt/task/.git/config" }] },
  ];
  for (const part of refused) {
    assert.throws(
      () => bubblewrapArguments({ ...EMPTY, ...part }),
      { code: "sandbox_unavailable" },
      JSON.stringify(part),
    );
  }
});

const name = fc.constantFrom("a", "b", "c");
const top = fc.constantFrom("/home", "/var", "/tmp", "/run", "/dev/shm", "/var/tmp", "/run/a");
const path = fc.tuple(top, fc.array(name, { maxLength: 4 })).map(([first, rest]) => [first, ...rest].join("/"));
const paths = fc.array(path, { maxLength: 5 });

const plans: fc.Arbitrary<SandboxPlan> = fc
  .record({
    dir: path,
    writable: paths,
    exposed: paths,
    hidden: fc.array(fc.record({ path, directory: fc.boolean() }), { maxLength: 5 }),
    scratch: paths,
    readonly: paths,
    nameServers: fc.option(path),
    under: fc.array(fc.record({ from: path, names: fc.array(name, { minLength: 1, maxLength: 3 }) }), { maxLength: 2 }),
    network: fc.constantFrom("host" as const, "none" as const),
  })
  .map(({ under, ...plan }) => {
    const overlays = under.map(({ from, names }) => ({ from, at: [plan.dir, ...names].join("/") }));
    const request = { ...EMPTY, ...plan, overlays };
    // Where something else lies below, there is no file.
    const holds = (file: string) => placesOf(request).some((other) => other !== file && isWithin(other, file));
    const hidden = plan.hidden.map((one) => ({ path: one.path, directory: one.directory || holds(one.path) }));
    return { ...request, hidden };
  });

test("no input makes anything writable but what is to be, or shows what is hidden", () => {
  fc.assert(
    fc.property(plans, fc.array(path, { maxLength: 20 }), (plan, others) => {
      const seenAt = interpret(bubblewrapArguments(plan));
      const mayBeWritten = [plan.dir, ...plan.writable, ...plan.scratch, ...SCRATCH];
      const visible = [
        ...plan.exposed,
        ...plan.readonly,
        ...plan.writable,
        plan.dir,
        ...plan.overlays.map(({ at }) => at),
      ];
      if (plan.nameServers !== null) visible.push(plan.nameServers);
      for (const at of around([...placesOf(plan), ...others, "/etc/passwd", "/dev/sda", "/proc/1"])) {
        const seen = seenAt(at);
        if (seen.kind !== "nothing" && seen.writable)
          assert.ok(
            mayBeWritten.some((above) => isWithin(at, above)),
            at,
          );
        if (seen.kind !== "host") continue;
        for (const hidden of plan.hidden.filter((one) => isWithin(at, one.path))) {
          const exception = visible.some((above) => isWithin(at, above) && isWithin(above, hidden.path));
          assert.ok(exception, `${at} is seen in spite of ${hidden.path}`);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("the most specific path decides, and of two lists that name it the later", () => {
  fc.assert(
    fc.property(plans, fc.array(path, { maxLength: 20 }), (plan, others) => {
      const seenAt = interpret(bubblewrapArguments(plan));
      for (const at of around([...placesOf(plan), ...others])) {
        const expected = expectedAt(plan, at);
        if (expected === "unseen") assert.notEqual(seenAt(at).kind, "host", at);
        else assert.deepEqual(seenAt(at), expected, at);
      }
    }),
    { numRuns: 300 },
  );
});

/** What a path is to be, by the rule alone: without mounts, and without an order in which they are made. */
function expectedAt(plan: SandboxPlan, at: string): Seen | "unseen" {
  const scratch: Seen = { kind: "fresh", writable: true };
  const asOnHost = (writable: boolean): Seen => ({ kind: "host", source: at, writable });
  const isScratch = (one: string) => SCRATCH.some((other) => other === one);
  const exposed = [...(plan.nameServers === null ? [] : [plan.nameServers]), ...plan.exposed];
  const rules: Rule[] = [
    ["/dev", { kind: "fresh", writable: false }],
    ...SCRATCH.map((one): Rule => [one, scratch]),
    ...exposed.filter((one) => !isScratch(one)).map((one): Rule => [one, asOnHost(false)]),
    ...plan.hidden.map((one): Rule => [one.path, "unseen"]),
    ...plan.scratch.map((one): Rule => [one, scratch]),
    ...plan.readonly.map((one): Rule => [one, asOnHost(false)]),
    ...[...plan.writable, plan.dir].map((one): Rule => [one, asOnHost(true)]),
    ...plan.overlays.map((one): Rule => {
      return [one.at, { kind: "host", source: `${one.from}${at.slice(one.at.length)}`, writable: false }];
    }),
  ];
  const applying = rules.filter(([above]) => isWithin(at, above));
  const mostSpecific = Math.max(0, ...applying.map(([above]) => above.length));
  return applying.findLast(([above]) => above.length === mostSpecific)?.[1] ?? asOnHost(false);
}

type Rule = [above: string, seen: Seen | "unseen"];

function placesOf({ dir, writable, exposed, hidden, scratch, readonly, overlays }: SandboxPlan): string[] {
  const lists = [writable, exposed, scratch, readonly, hidden.map((one) => one.path), overlays.map(({ at }) => at)];
  return [dir, ...lists.flat()];
}

/** The paths, what they lie in, and what lies in them. */
function around(centres: readonly string[]): string[] {
  return centres.flatMap((one) => [one, dirname(one), `${one}/below`, `${one}x`]);
}
