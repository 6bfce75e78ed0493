import assert from "node:assert/strict";
import { mkdir, stat, symlink } from "node:fs/promises";
import { test } from "node:test";
import { runCommand } from "../process/command.ts";
import { bubblewrapHere } from "./fixtures/bwrap.ts";
import { interpret } from "./fixtures/interpret.ts";
import { World } from "./fixtures/world.ts";
import { prepareSandbox } from "./prepare.ts";
import type { SandboxRequest } from "./request.ts";

const { bwrap, missing } = await bubblewrapHere();

test("what a link names is treated where it leads to", async () => {
  await using world = await World.open();
  await symlink("task", world.at("worktrees/link"));
  const seenAt = await seenIn(
    world.request({
      dir: world.at("worktrees/link"),
      exposed: [world.at("home")],
      hidden: [world.at("home/.aws")],
    }),
  );
  assert.equal(seenAt(world.at("home/elsewhere/aws/key")).kind, "fresh");
  assert.equal(seenAt(world.at("home/elsewhere")).kind, "host");
  assert.deepEqual(seenAt(world.at("worktrees/task/x")), host(world.at("worktrees/task/x"), true));
  assert.equal(seenAt(world.at("worktrees/link")).kind, "fresh");
});

test("what is missing need not be hidden, read-only or exposed", async () => {
  await using world = await World.open();
  const nowhere = [world.at("nowhere"), world.at("config/no/directory")];
  const requested = world.request({ hidden: nowhere, readonly: nowhere, exposed: nowhere });
  const prefix = await prepareSandbox("/usr/bin/bwrap", requested);
  assert.deepEqual(
    prefix.filter((word) => nowhere.includes(word)),
    [],
  );
});

test("a sandbox that would not be what was asked for is not made", async () => {
  await using world = await World.open();
  await symlink("loop", world.at("loop"));
  await mkdir(world.at("worktrees/odd"));
  await symlink("../other/.git", world.at("worktrees/odd/.git"));
  await symlink("/nowhere", world.at("worktrees/odd/config"));
  const from = world.at("config");
  const odd = { dir: world.at("worktrees/odd") };
  const refused: Partial<SandboxRequest>[] = [
    { dir: world.at("nowhere") },
    { dir: "worktrees/task" },
    { writable: [world.at("nowhere")] },
    { writable: ["/"] },
    { scratch: [world.at("nowhere")] },
    // What cannot be looked up may be there, and would not be hidden.
    { hidden: [world.at("loop/key")] },
    { hidden: ["home/.ssh"] },
    { hidden: [`${world.root}\0`] },
    { readonly: [world.at("loop")] },
    { overlays: [{ from: world.at("nowhere"), at: world.at("worktrees/task/.git/config") }] },
    { overlays: [{ from, at: world.at("worktrees/task/gone/config") }] },
    // An agent may have put links in the place of what was there.
    { ...odd, overlays: [{ from, at: world.at("worktrees/odd/.git/config") }] },
    { ...odd, overlays: [{ from, at: world.at("worktrees/odd/config") }] },
  ];
  for (const changes of refused) {
    const prepared = prepareSandbox("/usr/bin/bwrap", world.request(changes));
    await assert.rejects(prepared, { code: "sandbox_unavailable" }, JSON.stringify(changes));
  }
  const extra = prepareSandbox("/usr/bin/bwrap", world.request({ extraArgs: ["--", "sh"] }));
  await assert.rejects(extra, { code: "config_invalid" });
});

test("a link in what can be written opens nothing to the next sandbox", async () => {
  await using world = await World.open();
  await symlink("../elsewhere", world.at("home/cache/planted"));
  await symlink("old", world.at("home/cache/harmless"));
  const [cache, planted, harmless] = ["cache", "cache/planted", "cache/harmless"].map((path) =>
    world.at(`home/${path}`),
  );
  assert.ok(cache !== undefined && planted !== undefined && harmless !== undefined);
  const refused: Partial<SandboxRequest>[] = [
    { writable: [cache, planted] },
    { writable: [cache], readonly: [planted] },
    { writable: [cache], readonly: [`${planted}/aws`] },
    { writable: [cache], scratch: [planted] },
    { writable: [cache], dir: planted },
  ];
  for (const changes of refused) {
    const prepared = prepareSandbox("/usr/bin/bwrap", world.request(changes));
    await assert.rejects(prepared, { code: "sandbox_unavailable", message: /out of/ }, JSON.stringify(changes));
  }
  await prepareSandbox(
    "/usr/bin/bwrap",
    world.request({ writable: [cache, harmless], readonly: [`${cache}/missing`] }),
  );
  await prepareSandbox("/usr/bin/bwrap", world.request({ writable: [planted] }));
});

test("a sandbox for real: what can be read, and what can be written", { skip: missing }, async () => {
  await using world = await World.open();
  const prefix = await prepareSandbox(
    bwrap ?? "",
    world.request({
      writable: [world.at("home/cache")],
      exposed: [world.root],
      hidden: ["home/.ssh", "home/.netrc", "home/.aws", "home/cache/.secret", "worktrees"].map((path) =>
        world.at(path),
      ),
      scratch: [world.at("home/elsewhere")],
      readonly: [world.at("worktrees/other/.git")],
      overlays: [{ from: world.at("config"), at: world.at("worktrees/task/.git/config") }],
      extraArgs: ["--ro-bind", world.at("config"), world.at("worktrees/note")],
    }),
  );
  const { stdout, stderr } = await run([...prefix, "/bin/sh", "-c", PROBE, "sh", world.root]);
  assert.equal(stderr, "");
  assert.deepEqual(stdout.trim().split("\n"), [
    "reads home/visible",
    "reads home/cache/old",
    "reads worktrees/task/.git/config",
    "reads worktrees/other/.git/objects",
    "reads worktrees/note",
    "writes home/cache",
    "writes home/elsewhere",
    "writes worktrees/task",
    "writes /tmp",
    "writes /run",
    "writes /var/tmp",
    "writes /dev/shm",
    "config content of config",
    "netrc 0",
    "tmp full",
    "processes 4096 4096",
    `directory ${world.at("worktrees/task")}`,
    "arguments 2",
  ]);
  await stat(world.at("worktrees/task/written"));
  await stat(world.at("home/cache/written"));
  await assert.rejects(stat(world.at("home/elsewhere/written")), { code: "ENOENT" });
});

const PROBE = `cd "$1"
for file in home/visible home/.netrc/x home/.ssh/key home/.aws/key home/elsewhere/aws/key home/cache/old \\
  home/cache/.secret/key worktrees/task/.git/config worktrees/other/file worktrees/other/.git/objects worktrees/note; do
  [ -s $file ] && cat $file >/dev/null && echo "reads $file"
done
for place in . home home/.ssh home/.aws home/cache home/cache/.secret home/elsewhere worktrees worktrees/task \\
  worktrees/other worktrees/other/.git worktrees/task/.git/config / /etc /usr/bin /tmp /run /var/tmp /dev /dev/shm /proc/sys/kernel; do
  (: >$place/written) 2>/dev/null && echo "writes $place"
done
echo "config $(cat worktrees/task/.git/config)"
echo "netrc $(wc -c <home/.netrc)"
head -c 2097152 /dev/zero 2>/dev/null >/tmp/big || echo "tmp full"
echo "processes" $(sed -n 's/Max processes *\\([0-9]*\\) *\\([0-9]*\\).*/\\1 \\2/p' /proc/self/limits)
cd "$OLDPWD" && echo "directory $(pwd -P)"
set -- a "b c" && echo "arguments $#"`;

async function run(argv: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const limits = { timeoutMs: 60_000, maxOutputBytes: 1024 * 1024 };
  const { stdout, stderr } = await runCommand(argv, { cwd: "/", env: { PATH: "/usr/bin:/bin" }, ...limits });
  return { stdout: stdout.toString("utf8"), stderr: stderr.toString("utf8") };
}

async function seenIn(request: SandboxRequest): Promise<ReturnType<typeof interpret>> {
  const prefix = await prepareSandbox("/usr/bin/bwrap", request);
  return interpret(prefix.slice(1, prefix.indexOf("--")));
}

function host(source: string, writable: boolean) {
  return { kind: "host", source, writable };
}
