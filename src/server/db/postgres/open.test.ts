import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../platform/clock.ts";
import { silent, temporaryHome } from "../../testing/basics.ts";
import { sharedPostgres } from "../../testing/engines.ts";
import { Store } from "../store.ts";

async function refused(url: string, message: RegExp, hint: RegExp): Promise<void> {
  await assert.rejects(Store.open({ kind: "postgres", url }, systemClock, silent), (error: Error) => {
    assert.ok("code" in error && "hint" in error);
    assert.equal(error.code, "database_unavailable");
    assert.match(error.message, message);
    assert.match(String(error.hint), hint);
    assert.doesNotMatch(`${error.message} ${error.stack} ${JSON.stringify(error)}`, /hunter2/);
    return true;
  });
}

test("a server that is not there is waited for, for some seconds, and then named", async () => {
  await using home = await temporaryHome();
  const started = performance.now();
  await refused(
    `postgres:///team?host=${home.path}&user=me&password=hunter2`,
    new RegExp(`PostgreSQL database team at ${home.path} does not answer: connect ENOENT`),
    /goes on by itself/,
  );
  assert.ok(performance.now() - started > 4_000);
});

test("a wrong user and a missing database are told at once, with what to do", async () => {
  const postgres = await sharedPostgres();
  const started = performance.now();
  const stranger = postgres.url("postgres").replace("user=makima", "user=stranger&password=hunter2");
  await refused(
    stranger,
    /database postgres at .* refuses makima: role "stranger" does not exist/,
    /user and password/,
  );
  await refused(postgres.url("absent"), /database "absent" does not exist/, /CREATE DATABASE/);
  assert.ok(performance.now() - started < 4_000);
});

test("a database of another encoding, and one that cannot be written, are refused", async () => {
  const postgres = await sharedPostgres();
  await postgres.administer("create database latin encoding 'LATIN1' template template0");
  await refused(postgres.url("latin"), /database latin at .* has an encoding other than UTF8/, /UTF8/);
  await postgres.administer("create database still");
  await postgres.administer("alter database still set default_transaction_read_only = on");
  await refused(postgres.url("still"), /database still at .* is read-only/, /default_transaction_read_only/);
});

test("a user who may not make tables is told so", async () => {
  const postgres = await sharedPostgres();
  await postgres.administer("create role guest login");
  await postgres.administer("create database foreign_one");
  const url = postgres.url("foreign_one").replace("user=makima", "user=guest");
  await refused(url, /permission denied for schema public/, /OWNER/);
});
