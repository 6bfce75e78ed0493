import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { mkdir, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { attach, launch } from "./detached.ts";
import { Playground, until } from "./fixtures/playground.ts";
import { readRecord } from "./record.ts";

const DRAIN_MS = 20_000;

test("tells the exit code, and keeps what was printed", async () => {
  await using playground = await Playground.open();
  await using agent = await launch(playground.options("exits-7.sh"));
  assert.deepEqual(await agent.exited, { kind: "exited", code: 7 });
  assert.equal(await agent.drained(DRAIN_MS), true);
  assert.equal(playground.file("out").toString(), "out\n");
  assert.equal(playground.file("err").toString(), "err\n");
});

test("tells the signal that killed it, and says nothing of it in its output", async () => {
  await using playground = await Playground.open();
  await using agent = await launch(playground.options("kills-itself.sh"));
  assert.deepEqual(await agent.exited, { kind: "signaled", signal: "SIGKILL" });
  assert.equal(await agent.drained(DRAIN_MS), true);
  assert.equal(playground.file("err").length, 0);
});

test("a command that does not exist exits with 127 and a message", async () => {
  await using playground = await Playground.open();
  await using agent = await launch({ ...playground.options(""), argv: ["no-such-agent"] });
  assert.deepEqual(await agent.exited, { kind: "exited", code: 127 });
  assert.equal(await agent.drained(DRAIN_MS), true);
  assert.match(playground.file("err").toString(), /no-such-agent/);
});

test("the process gets its arguments, environment, directory and stdin, pipes, and nothing else", async () => {
  await using playground = await Playground.open();
  const stdinFile = join(playground.dir, "prompt");
  writeFileSync(stdinFile, "--prompt\n");
  const env = { ...playground.env, dir: "it's", input: '$(touch x)\n`id` \\ "', setsid: "/bin/false", LANG: "é" };
  const options = { ...playground.options("prints-surroundings.sh", "a b", "--", "$HOME"), env, stdinFile };
  await playground.launchAndDie(options);
  await using agent = await attach(playground.run);
  assert.deepEqual(await agent?.exited, { kind: "exited", code: 0 });
  assert.equal(await agent?.drained(DRAIN_MS), true);
  const output = playground.file("out").toString();
  assert.ok(output.startsWith(`argument a b\nargument --\nargument $HOME\ndirectory ${playground.dir}\n`), output);
  const descriptors = output.match(/^descriptor (\d+) (\w+)$/gm);
  // The shell that runs the fixture has the script open as 10.
  assert.deepEqual(
    descriptors?.filter((line) => !line.startsWith("descriptor 10 ")),
    ["descriptor 0 other", "descriptor 1 pipe", "descriptor 2 pipe"],
  );
  assert.ok(output.includes("\nstdin --prompt\n"));
  for (const [name, value] of Object.entries(env)) assert.ok(output.includes(`\n${name}=${value}\n`), name);
  const expected = [...Object.keys(env), "PWD", "OLDPWD", "SHLVL", "_"];
  const names = output.slice(output.indexOf("\nstdin ")).match(/^\w+(?==)/gm) ?? [];
  assert.deepEqual(
    names.filter((name) => !expected.includes(name)),
    [],
  );
});

test("a machine without memory takes the process first", async () => {
  await using playground = await Playground.open();
  await using agent = await launch({ ...playground.options(""), argv: ["cat", "/proc/self/oom_score_adj"] });
  assert.equal(await agent.drained(DRAIN_MS), true);
  assert.equal(playground.file("out").toString(), "500\n");
});

test("an environment variable that is no shell name is refused, not run", async () => {
  await using playground = await Playground.open();
  const env = { ...playground.env, "A=1; touch x; B": "1" };
  await assert.rejects(launch({ ...playground.options("exits-7.sh"), env }), /not a portable/i);
});

test("a grandchild that holds stdout does not delay the exit, and is waited for by drained", async () => {
  await using playground = await Playground.open();
  await using agent = await launch(playground.options("grandchild-holds-stdout.sh"));
  assert.deepEqual(await agent.exited, { kind: "exited", code: 0 });
  assert.equal(await agent.drained(50), false);
  assert.equal(await playground.printed("done"), "done\n");
});

test("keeps every byte of a flood", async () => {
  await using playground = await Playground.open();
  const size = 50 * 1024 * 1024;
  await using agent = await launch(playground.options("floods.sh", String(size)));
  await agent.exited;
  assert.equal(await agent.drained(DRAIN_MS), true);
  const expected = Buffer.alloc(size, "0123456789abcde\n");
  assert.equal(sha256(playground.file("out")), sha256(expected));
});

test("drops what exceeds the cap, without harm to the process", async () => {
  await using playground = await Playground.open();
  const cap = 1024 * 1024;
  await using agent = await launch({ ...playground.options("floods.sh", String(8 * cap)), maxOutputBytes: cap });
  assert.deepEqual(await agent.exited, { kind: "exited", code: 0 });
  assert.equal(await agent.drained(DRAIN_MS), true);
  assert.equal(sha256(playground.file("out")), sha256(Buffer.alloc(cap, "0123456789abcde\n")));
});

test("bytes stay bytes", async () => {
  await using playground = await Playground.open();
  await using agent = await launch(playground.options("prints-invalid-utf8.sh"));
  assert.equal(await agent.drained(DRAIN_MS), true);
  assert.deepEqual(playground.file("out"), Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28, 0x0a]));
});

test("a directory holds one process ever", async () => {
  await using playground = await Playground.open();
  await using agent = await launch(playground.options("exits-7.sh"));
  await agent.exited;
  await assert.rejects(launch(playground.options("exits-7.sh")), /already started/);
});

test("a working directory that does not exist is an error", async () => {
  await using playground = await Playground.open();
  const cwd = join(playground.dir, "missing");
  await assert.rejects(launch({ ...playground.options("exits-7.sh"), cwd }), { code: "ENOENT" });
});

test("an exit that cannot be written is written as soon as it can", async () => {
  await using playground = await Playground.open();
  await mkdir(playground.run);
  await symlink("missing/exit", join(playground.run, "exit"));
  await using agent = await launch(playground.options("exits-7.sh"));
  await playground.printed("out");
  const record = readRecord(playground.run);
  await until(() => record !== null && !existsSync(`/proc/${record.process.pid}`));
  await unlink(join(playground.run, "exit"));
  assert.deepEqual(await agent.exited, { kind: "exited", code: 7 });
});

test("letting go of a process leaves it running", async () => {
  await using playground = await Playground.open();
  const agent = await launch(playground.options("ignores-sigint-and-sigterm.sh"));
  assert.equal(await playground.printed("ready"), "ready\n");
  const stopped = agent.stop();
  await agent[Symbol.asyncDispose]();
  await assert.rejects(agent.exited, { name: "AbortError" });
  await assert.rejects(stopped, { name: "AbortError" });
  process.kill(agent.pid, 0);
});

function sha256(data: Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}
