import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { makeMachine } from "../../../../test/support/machine.ts";
import type { Machine } from "../../../../test/support/machine.ts";
import type { Contract, Key } from "../../../protocol/api.ts";

let machine: Machine;
beforeEach(async () => {
  machine = await makeMachine();
});
afterEach(() => machine[Symbol.asyncDispose]());

/** The document of a command that succeeds; `home` is another data directory than the machine's. */
async function json<T>(args: string[], home = machine.makimaHome): Promise<T> {
  const { code, stdout, stderr } = await machine.makima([...args, "--json"], { env: { MAKIMA_HOME: home } });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as T;
}

async function addKey(name: string): Promise<void> {
  await json(["key", "create", "--kind", "user", "--name", name]);
}

test("a backup is taken while the server runs, and put back while it does not", async () => {
  await addKey("Before");
  const file = join(machine.root, "backup.db");
  const { bytes } = await json<{ bytes: number }>(["server", "backup", "backup.db"]);
  assert.equal((await stat(file)).size, bytes);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await machine.makima(["server", "backup", file])).code, 5, "no backup replaces another");
  await addKey("After");

  const running = await machine.makima(["server", "restore", file, "--replace"]);
  assert.equal(running.code, 5);
  assert.match(running.stderr, /^makima: A server for .* runs already.*\nhint: .*makima down/);
  await machine.makima(["down"]);
  assert.equal((await machine.makima(["server", "restore", file])).code, 5, "a database is not replaced unasked");
  const { aside } = await json<{ aside: string }>(["server", "restore", file, "--replace"]);
  assert.ok((await stat(aside)).size > 0, "the database before is kept");
  const { keys } = await json<{ keys: Key[] }>(["key", "list"]);
  const names = keys.map(({ name }) => name);
  assert.ok(names.includes("Before") && !names.includes("After"));
});

test("a new machine's database is made by migrate, and takes another's data", async () => {
  await addKey("Ada");
  await machine.makima(["down"]);
  const other = join(machine.root, "other");
  const { applied } = await json<{ applied: string[] }>(["server", "migrate"], other);
  assert.ok(applied.length > 0);
  assert.deepEqual(await json(["server", "migrate"], other), { applied: [] });
  const { rows } = await json<{ rows: Record<string, number> }>(
    ["server", "import", join(machine.makimaHome, "makima.db")],
    other,
  );
  assert.equal(rows["contracts"], 0);
  assert.ok((rows["keys"] ?? 0) >= 3);
  assert.deepEqual(await json<{ contracts: Contract[] }>(["contract", "list"]), { contracts: [] });
});

test("a password on the command line is warned of, and printed nowhere", async () => {
  const url = "postgres://ada:s3cret@127.0.0.1:1/makima";
  const { code, stdout, stderr } = await machine.makima(["server", "migrate", "--database-url", url]);
  assert.equal(code, 6, stderr);
  assert.match(stderr, /^makima: warning: .*processes.*\nhint: MAKIMA_DATABASE_URL/);
  assert.match(stderr, /^makima: The PostgreSQL database makima at 127\.0\.0\.1:1 does not answer/m);
  const named = { env: { MAKIMA_DATABASE_URL: url } };
  const [config, doctor] = await Promise.all([
    machine.makima(["doctor", "--config", "--json"], named),
    machine.makima(["doctor", "--json"], named),
  ]);
  assert.match(config.stdout, /postgres:\/\/ada:\*\*\*@127\.0\.0\.1:1\/makima/);
  const { checks } = JSON.parse(doctor.stdout) as { checks: { name: string; state: string }[] };
  assert.equal(checks.find(({ name }) => name === "database")?.state, "broken");
  for (const text of [stdout, stderr, config.stdout, doctor.stdout]) assert.ok(!text.includes("s3cret"));
});
