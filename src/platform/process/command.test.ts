import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type CommandOptions, runCommand } from "./command.ts";
import { until } from "./fixtures/playground.ts";

const options: CommandOptions = {
  cwd: tmpdir(),
  env: { PATH: process.env["PATH"] ?? "" },
  timeoutMs: 20_000,
  maxOutputBytes: 1024 * 1024,
};

test("tells exit code and output apart", async () => {
  const result = await runCommand(["sh", "-c", "echo out; echo err >&2; exit 7"], options);
  assert.deepEqual(result, {
    exitCode: 7,
    signal: null,
    stdout: Buffer.from("out\n"),
    stderr: Buffer.from("err\n"),
    timedOut: false,
    truncated: false,
    notStarted: null,
  });
});

test("the command sees the given environment only", async () => {
  const { stdout } = await runCommand(["env"], { ...options, env: { PATH: options.env["PATH"] ?? "", A: "b" } });
  assert.equal(stdout.toString(), `PATH=${options.env["PATH"]}\nA=b\n`);
});

test("stdin is what was given, or empty", async () => {
  const input = Buffer.alloc(512 * 1024, "\xff\n", "latin1");
  assert.deepEqual((await runCommand(["cat"], { ...options, input })).stdout, input);
  assert.equal((await runCommand(["cat"], options)).stdout.length, 0);
});

test("a command that does not read its input is no failure", async () => {
  const result = await runCommand(["true"], { ...options, input: Buffer.alloc(4 * 1024 * 1024) });
  assert.equal(result.exitCode, 0);
});

test("output past the limit is dropped, not waited for", async () => {
  const result = await runCommand(["sh", "-c", "yes | head -c 1000000"], { ...options, maxOutputBytes: 1000 });
  assert.equal(result.exitCode, 0);
  assert.equal(result.truncated, true);
  assert.deepEqual(result.stdout, Buffer.alloc(1000, "y\n"));
});

test("a command that prints too much is ended, if nobody wants the rest", async () => {
  const limits = { ...options, maxOutputBytes: 1000, endWhenFull: true };
  const endless = await runCommand(["yes"], limits);
  assert.deepEqual([endless.truncated, endless.timedOut, endless.signal], [true, false, "SIGTERM"]);
  assert.deepEqual(endless.stdout, Buffer.alloc(1000, "y\n"));
  const exact = await runCommand(["sh", "-c", "yes | head -c 1000"], limits);
  assert.deepEqual([exact.exitCode, exact.truncated], [0, false]);
});

test("what cannot be started is told", async () => {
  assert.equal((await runCommand(["no-such-command"], options)).notStarted, "no such command");
  const gone = { ...options, cwd: join(tmpdir(), "missing", "directory") };
  assert.equal((await runCommand(["true"], gone)).notStarted, "no such directory");
  assert.match((await runCommand(["/"], options)).notStarted ?? "", /EACCES/);
  assert.match((await runCommand(["true", "\0"], options)).notStarted ?? "", /null bytes/);
  assert.match((await runCommand(["true", "x".repeat(1024 * 1024)], options)).notStarted ?? "", /E2BIG/);
});

test("at the end of its time the whole group is ended", async () => {
  const script = "(trap '' TERM; echo $$ ready; sleep 300) & wait";
  const result = await runCommand(["sh", "-c", script], { ...options, timeoutMs: 200 });
  assert.equal(result.timedOut, true);
  assert.equal(result.signal, "SIGTERM");
  const group = Number.parseInt(result.stdout.toString(), 10);
  await until(() => !exists(-group));
});

test("an abort ends the command, then throws its reason", async () => {
  const directory = mkdtempSync(join(tmpdir(), "command-"));
  const abort = new AbortController();
  const running = runCommand(["sh", "-c", "trap 'rmdir .; exit' TERM; while :; do sleep 0.02; done"], {
    ...options,
    cwd: directory,
    signal: abort.signal,
  });
  setTimeout(() => abort.abort(new Error("enough")), 100);
  await assert.rejects(running, { message: "enough" });
  rmSync(directory, { recursive: true, force: true });
  await assert.rejects(runCommand(["true"], { ...options, signal: abort.signal }), { message: "enough" });
});

test("a grandchild that holds stdout neither holds up the result nor stays", async () => {
  const { exitCode, stdout } = await runCommand(["sh", "-c", "sleep 300 & echo $$"], options);
  assert.equal(exitCode, 0);
  await until(() => !exists(-Number(stdout.toString())));
});

/** Whether there is such a process, or, for a negative number, such a group. */
function exists(target: number): boolean {
  try {
    process.kill(target, 0);
    return true;
  } catch {
    return false;
  }
}
