import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, stat } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { makeMachine, outcomeOf } from "../../../test/support/machine.ts";
import type { Machine } from "../../../test/support/machine.ts";
import { until } from "../../../test/support/until.ts";
import { exists } from "../../platform/files.ts";

let machine: Machine;
beforeEach(async () => {
  machine = await makeMachine();
});
afterEach(() => machine[Symbol.asyncDispose]());

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function serverFile(): Promise<{ pid: number; url: string }> {
  return JSON.parse(await readFile(join(machine.makimaHome, "server.json"), "utf8")) as { pid: number; url: string };
}

test("commands that start at once share one server, and down ends it", async () => {
  const results = await Promise.all([1, 2, 3].map(() => machine.makima(["ps", "--json"])));
  assert.deepEqual(
    results,
    results.map(() => ({ code: 0, stdout: '{"tasks":[]}\n', stderr: "" })),
  );
  assert.equal((await stat(join(machine.makimaHome, "server.json"))).mode & 0o777, 0o600);
  assert.equal((await stat(machine.makimaHome)).mode & 0o777, 0o700);
  const ready = (await readFile(join(machine.makimaHome, "logs", "up.log"), "utf8")).match(/^\{"url":/gm);
  assert.equal(ready?.length, 1, "one server became ready");

  assert.equal((await machine.makima(["down"])).stdout, "The local server has stopped.\n");
  assert.equal(await exists(join(machine.makimaHome, "server.json")), false);
  assert.deepEqual(await machine.makima(["down"]), { code: 0, stdout: "No local server is running.\n", stderr: "" });
});

test("a server that was killed is replaced, and what it left behind does not matter", async () => {
  await machine.makima(["ps"]);
  const { pid } = await serverFile();
  process.kill(pid, "SIGKILL");
  assert.equal((await machine.makima(["ps"])).code, 0);
  assert.notEqual((await serverFile()).pid, pid);
});

test("who takes a killed server's port is not shown the key to it", async () => {
  // Not the default port, for which every server that is started meanwhile would try.
  await machine.configure("[server]\nport = 0\n");
  await machine.makima(["ps"]);
  const { pid, url } = await serverFile();
  process.kill(pid, "SIGKILL");
  await until(() => !isAlive(pid), "the server is gone");
  const asked: unknown[] = [];
  const impostor = createHttpServer((request) => asked.push(request.headers)).listen(
    Number(new URL(url).port),
    "127.0.0.1",
  );
  await once(impostor, "listening");
  const { code } = await machine.makima(["ps"]);
  impostor.close();
  assert.deepEqual([code, asked], [0, []]);
});

test("a second server for the same directory is refused", async () => {
  await machine.makima(["up", "--background", "--port", "0"]);
  const { code, stderr } = await machine.makima(["up", "--port", "0"]);
  assert.equal(code, 5);
  assert.match(stderr, /^makima: A server for .* runs already at http:.*\nhint: .*makima down/);
});

test("a running server is not given out for one with the flags that are asked for", async () => {
  await machine.makima(["ps"]);
  const { pid } = await serverFile();
  for (const flags of [["--bubblewrap"], ["--port", "0"]]) {
    const { code, stdout, stderr } = await machine.makima(["up", "--background", ...flags]);
    assert.deepEqual([code, stdout], [5, ""]);
    assert.match(stderr, /^makima: A server for .* runs already at http:.*\nhint: .*makima down/);
  }
  const { code, stdout } = await machine.makima(["up", "--background"]);
  assert.equal(code, 0);
  assert.match(stdout, /^makima is running at http:/);
  assert.equal((await serverFile()).pid, pid);
});

test("--any-port takes another port than one that is taken, and --idle-exit ends the server by itself", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const port = String((other.address() as AddressInfo).port);
  const up = await machine.makima(["up", "--json", "--port", port, "--any-port", "--idle-exit", "1s"]);
  other.close();
  assert.equal(up.code, 0, up.stderr);
  const { url } = JSON.parse(up.stdout) as { url: string };
  assert.notEqual(new URL(url).port, port);
});

test("a foreground server says where it is, and ends in good order at a signal", async () => {
  const up = machine.start(["up", "--port", "0"]);
  const outcome = outcomeOf(up);
  up.stdout.once("data", () => up.kill("SIGTERM"));
  const { code, stdout, stderr } = await outcome;
  assert.equal(code, 0, stderr);
  const [, url] = /^makima is running at (http:\/\/127\.0\.0\.1:\d+)\n/.exec(stdout) ?? [];
  assert.match(stdout, new RegExp(`\\nLog in with a browser, .*: ${url}/login#mk_login_[\\w-]{43}\\n$`));
  assert.equal(await exists(join(machine.makimaHome, "server.json")), false);
});
