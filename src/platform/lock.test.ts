import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { acquireLock } from "./lock.ts";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "makima-lock-"));
});
after(() => rm(directory, { recursive: true, force: true }));

test("one holder at a time, also inside one process", async () => {
  const path = join(directory, "one");
  const first = await acquireLock(path);
  assert.ok(first);
  assert.equal(await acquireLock(path), null);
  assert.equal(await acquireLock(path), null, "a refused attempt does not release the holder's lock");
  first.release();
  first.release();
  await using second = await acquireLock(path);
  assert.ok(second);
});

test("disposal releases", async () => {
  const path = join(directory, "disposed");
  {
    await using held = await acquireLock(path);
    assert.ok(held);
  }
  await using again = await acquireLock(path);
  assert.ok(again);
});

test("the file is private", async () => {
  await using lock = await acquireLock(join(directory, "private"));
  assert.ok(lock);
  assert.equal((await stat(lock.path)).mode & 0o777, 0o600);
});

test("a lock of another process is refused until that process is killed", async () => {
  const path = join(directory, "killed");
  await using holder = await spawnHolder(path);
  assert.equal(await acquireLock(path), null);
  await holder.kill();
  await using lock = await acquireLock(path);
  assert.ok(lock);
});

test("a missing directory is an error, not a lock", async () => {
  await assert.rejects(acquireLock(join(directory, "absent", "lock")), { code: "ENOENT" });
});

/** A process that holds the lock at `path`, and says so before this resolves. */
async function spawnHolder(path: string) {
  const module = new URL("lock.ts", import.meta.url).href;
  const script = `
    import { acquireLock } from ${JSON.stringify(module)};
    globalThis.lock = await acquireLock(${JSON.stringify(path)});
    console.log("held");
    setInterval(() => {}, 1000);`;
  const args = ["--input-type=module", "-e", script];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  await once(child.stdout, "data");
  return { kill, [Symbol.asyncDispose]: kill };
}
