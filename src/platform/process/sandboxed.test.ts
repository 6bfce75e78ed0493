import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bubblewrapHere } from "../sandbox/fixtures/bwrap.ts";
import { attach, launch } from "./detached.ts";
import { Playground, until } from "./fixtures/playground.ts";
import { killByEnvironment } from "./reap.ts";
import { readRecord } from "./record.ts";

const { bwrap, missing } = await bubblewrapHere();
const options = { skip: missing };
const DRAIN_MS = 20_000;

test(
  "a sandboxed process gets its environment, directory and stdin, and no descriptor but pipes",
  options,
  async () => {
    await using playground = await Playground.open();
    const stdinFile = join(playground.dir, "prompt");
    writeFileSync(stdinFile, "hello\n");
    const launchOptions = await playground.sandboxed(bwrap ?? "", "prints-surroundings.sh", "a b", "--", "$HOME");
    await playground.launchAndDie({ ...launchOptions, stdinFile });
    await using agent = await attach(playground.run);
    assert.deepEqual(await agent?.exited, { kind: "exited", code: 0 });
    assert.equal(await agent?.drained(DRAIN_MS), true);
    const output = playground.file("out").toString();
    assert.ok(output.startsWith(`argument a b\nargument --\nargument $HOME\ndirectory ${playground.dir}\n`), output);
    assert.deepEqual(
      // The shell that runs the fixture has the script open as 10.
      output.match(/^descriptor (\d+) (\w+)$/gm)?.filter((line) => !line.startsWith("descriptor 10 ")),
      ["descriptor 0 other", "descriptor 1 pipe", "descriptor 2 pipe"],
    );
    assert.match(output, /^stdin hello$/m);
    assert.match(output, new RegExp(`^PLAYGROUND=${playground.id}$`, "m"));
  },
);

test("exit codes and signals come out as without a sandbox", options, async () => {
  const ends = [
    ["exits-7.sh", { kind: "exited", code: 7 }],
    ["kills-itself.sh", { kind: "signaled", signal: "SIGKILL" }],
    ["no-such-program", { kind: "exited", code: 127 }],
  ] as const;
  await Promise.all(
    ends.map(async ([fixture, expected]) => {
      await using playground = await Playground.open();
      await using agent = await launch(await playground.sandboxed(bwrap ?? "", fixture));
      assert.deepEqual(await agent.exited, expected);
      assert.equal(await agent.drained(DRAIN_MS), true);
    }),
  );
});

test("a sandboxed process is asked first, also by a launcher that came later", options, async () => {
  await using playground = await Playground.open();
  await playground.launchAndDie(await playground.sandboxed(bwrap ?? "", "traps-sigint.sh"));
  await playground.printed("ready");
  await using agent = await attach(playground.run);
  assert.deepEqual(await agent?.stop(), { kind: "exited", code: 3 });
  assert.equal(await agent?.drained(DRAIN_MS), true);
  assert.equal(playground.file("out").toString(), "ready\ninterrupted\n");
});

test(
  "a sandboxed process that ignores SIGINT and SIGTERM is killed, and can be stopped at any moment",
  options,
  async () => {
    await using playground = await Playground.open();
    await using agent = await launch(await playground.sandboxed(bwrap ?? "", "ignores-sigint-and-sigterm.sh"));
    await playground.printed("ready");
    const killed = { kind: "signaled", signal: "SIGKILL" };
    assert.deepEqual(await agent.stop({ interruptMs: 50, terminateMs: 50 }), killed);
    await using early = await Playground.open();
    await using other = await launch(await early.sandboxed(bwrap ?? "", "sleeps.sh"));
    assert.equal((await other.stop()).kind, "signaled");
  },
);

test("nothing of a sandbox outlives its process", options, async () => {
  await using playground = await Playground.open();
  await using agent = await launch(await playground.sandboxed(bwrap ?? "", "leaves-everything.sh"));
  assert.deepEqual(await agent.exited, { kind: "exited", code: 7 });
  assert.equal(await agent.drained(DRAIN_MS), true);
  await until(() => inside(namespaceOf(playground)).length === 0);
});

for (const victim of ["process", "shim"] as const) {
  test(`nothing of a sandbox outlives a kill -9 of its ${victim}`, options, async () => {
    await using playground = await Playground.open();
    await using agent = await launch(await playground.sandboxed(bwrap ?? "", "leaves-everything.sh", "stays"));
    await playground.printed("ready");
    const namespace = namespaceOf(playground);
    // The init process, the program, and all that it leaves.
    await until(() => inside(namespace).length >= 6);
    const record = readRecord(playground.run);
    assert.ok(record);
    process.kill(record[victim].pid, "SIGKILL");
    await until(() => inside(namespace).length === 0);
    const end = victim === "shim" ? { kind: "lost" } : { kind: "signaled", signal: "SIGKILL" };
    assert.deepEqual(await agent.exited, end);
  });
}

test("a sandboxed process is found by its environment from outside", options, async () => {
  await using playground = await Playground.open();
  await using agent = await launch(await playground.sandboxed(bwrap ?? "", "leaves-everything.sh", "stays"));
  await playground.printed("ready");
  const namespace = namespaceOf(playground);
  await until(() => inside(namespace).length >= 6);
  const isMarked = (pid: string) => environmentOf(pid).includes(playground.id);
  await until(() => inside(namespace).filter(isMarked).length >= 4);
  assert.equal(await killByEnvironment("PLAYGROUND", playground.id), true);
  await until(() => inside(namespace).length === 0);
  assert.deepEqual(await agent.exited, { kind: "signaled", signal: "SIGKILL" });
});

test("a sandbox that cannot be made is told with bubblewrap's own words", options, async () => {
  await using playground = await Playground.open();
  const launchOptions = await playground.sandboxed(bwrap ?? "", "exits-7.sh");
  const [program = "", ...rest] = launchOptions.sandbox ?? [];
  const sandbox = [program, "--bind", "/nowhere", "/nowhere", ...rest];
  await using agent = await launch({ ...launchOptions, sandbox });
  await assert.rejects(agent.exited, { code: "sandbox_unavailable", message: /\/nowhere/ });
  await using again = await attach(playground.run);
  await assert.rejects(async () => again?.exited, { code: "sandbox_unavailable" });
});

test("a status that names another's child makes nobody else a target", options, async () => {
  await using playground = await Playground.open();
  await using bystander = await launch(playground.options("sleeps.sh"));
  await playground.printed("ready");
  await using other = await Playground.open();
  await using agent = await launch(await other.sandboxed(bwrap ?? "", "sleeps.sh"));
  await other.printed("ready");
  mkdirSync(join(other.dir, "forged"));
  writeFileSync(join(other.dir, "forged", "pid"), other.file("pid"));
  writeFileSync(join(other.dir, "forged", "sandbox"), `{ "child-pid": ${bystander.pid} }\n`);
  await using forged = await attach(join(other.dir, "forged"));
  forged?.signal("SIGINT");
  // What was not hit by the first signal is hit by the second.
  bystander.signal("SIGTERM");
  assert.deepEqual(await bystander.exited, { kind: "signaled", signal: "SIGTERM" });
  agent.signal("SIGTERM");
  assert.deepEqual(await agent.exited, { kind: "signaled", signal: "SIGTERM" });
});

/** The pid namespace of the playground's sandbox, as bubblewrap told it. */
function namespaceOf(playground: Playground): string {
  return `pid:[${/"pid-namespace": (\d+)/.exec(playground.file("sandbox").toString())?.[1]}]`;
}

/** Pids of the processes in a pid namespace. */
function inside(namespace: string): string[] {
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && pidNamespace(pid) === namespace && !isZombie(pid));
}

/** Of a process that has ended since it was listed: none. */
function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return "";
  }
}

function pidNamespace(pid: string): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return null;
  }
}

function isZombie(pid: string): boolean {
  try {
    return /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}
