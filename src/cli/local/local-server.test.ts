import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { exists } from "../../platform/files.ts";
import { Sandbox } from "../fixtures/makima.ts";

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => {
  await sandbox.makima(["down", "--stop-tasks"]);
  await sandbox[Symbol.asyncDispose]();
});

async function serverFile(): Promise<{ pid: number; url: string }> {
  return JSON.parse(await readFile(join(sandbox.home, "server.json"), "utf8")) as { pid: number; url: string };
}

/** Some other program on a port of its own. */
async function occupyPort() {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, "close");
    },
  };
}

test("commands that start at once share one server, and down ends it", async () => {
  const results = await Promise.all([1, 2, 3].map(() => sandbox.makima(["ps", "--json"])));
  assert.deepEqual(
    results.map(({ code, stdout, stderr }) => [code, stdout, stderr]),
    Array(3).fill([0, '{"tasks":[]}\n', ""]),
  );
  assert.equal((await stat(join(sandbox.home, "server.json"))).mode & 0o777, 0o600);
  assert.equal((await stat(sandbox.home)).mode & 0o777, 0o700);
  const ready = (await readFile(join(sandbox.home, "logs", "up.log"), "utf8")).match(/^\{"url":/gm);
  assert.equal(ready?.length, 1, "one server became ready");

  assert.equal((await sandbox.makima(["down"])).code, 0);
  assert.equal(await exists(join(sandbox.home, "server.json")), false);
  const again = await sandbox.makima(["down"]);
  assert.deepEqual([again.code, again.stdout], [0, "No local server is running.\n"]);
});

test("a server that was killed is replaced, and what it left behind does not matter", async () => {
  await sandbox.makima(["ps"]);
  const { pid } = await serverFile();
  process.kill(pid, "SIGKILL");
  assert.equal((await sandbox.makima(["ps"])).code, 0);
  assert.notEqual((await serverFile()).pid, pid);
});

test("a second server for the same directory is refused", async () => {
  await sandbox.makima(["up", "--background", "--port", "0"]);
  const { code, stderr } = await sandbox.makima(["up", "--port", "0"]);
  assert.equal(code, 5);
  assert.match(stderr, /^makima: A server for .* runs already at http:.*\nhint: .*makima down/);
});

test("a chosen port that is taken fails, for the server and for whoever needs it", async () => {
  await using other = await occupyPort();
  const foreground = await sandbox.makima(["up", "--port", String(other.port)]);
  const needed = await sandbox.makima(["ps"], { env: { MAKIMA_SERVER_PORT: String(other.port) } });
  for (const { code, stderr } of [foreground, needed]) {
    assert.equal(code, 5);
    assert.match(stderr, new RegExp(`^makima: Port ${other.port} .*taken\nhint: .+\n$`));
  }
  assert.equal(await exists(join(sandbox.home, "server.json")), false);
});

test("--any-port takes another one", async () => {
  await using other = await occupyPort();
  const port = String(other.port);
  const up = sandbox.makima(["up", "--json", "--port", port, "--any-port", "--idle-exit", "1s"]);
  const { code, stdout } = await up;
  assert.equal(code, 0, "and it ended by itself, idle");
  const { url } = JSON.parse(stdout) as { url: string };
  assert.notEqual(new URL(url).port, port);
});

test("a foreground server ends in good order at a signal", async () => {
  const up = sandbox.makima(["up", "--port", "0"]);
  while (!(await exists(join(sandbox.home, "server.json")))) await delay(20);
  process.kill((await serverFile()).pid, "SIGTERM");
  const { code, stdout } = await up;
  assert.equal(code, 0);
  assert.match(stdout, /^makima is running at http:\/\/127\.0\.0\.1:\d+\n$/);
  assert.equal(await exists(join(sandbox.home, "server.json")), false);
});

test("a newer database is told by whoever needed the server", async () => {
  await sandbox.makima(["ps"]);
  await sandbox.makima(["down"]);
  const database = new DatabaseSync(join(sandbox.home, "makima.db"));
  database.exec("INSERT INTO kysely_migration (name, timestamp) VALUES ('9999-future', '2099')");
  database.close();
  const { code, stderr } = await sandbox.makima(["ps"]);
  assert.equal(code, 6, stderr);
  assert.match(stderr, /^makima: .*makima\.db.*\nhint: .+\n$/);
});

test("a corrupt database is told, with the file", async () => {
  await mkdir(sandbox.home, { mode: 0o700 });
  await writeFile(join(sandbox.home, "makima.db"), "this is no database, however long one looks at it".repeat(100));
  const { code, stderr } = await sandbox.makima(["ps"]);
  assert.equal(code, 6, stderr);
  assert.match(stderr, /^makima: .*makima\.db.*\nhint: .+\n$/);
});

test("a directory that cannot be written is told", { skip: process.getuid?.() === 0 && "root may write anywhere" }, async () => {
  await mkdir(sandbox.home);
  await chmod(sandbox.home, 0o500);
  const { code, stderr } = await sandbox.makima(["ps"]);
  assert.equal(code, 4);
  assert.match(stderr, /^makima: Cannot write .*\nhint: .*MAKIMA_HOME.*\n$/);
});
