import assert from "node:assert/strict";
import { test } from "node:test";
import { databaseOf, nameOf } from "./source.ts";

test("a database is named without user, password and options", () => {
  const name = (url: string) => nameOf({ kind: "postgres", url });
  assert.equal(
    name("postgres://me:secret@db.example:5433/makima?sslmode=require"),
    "PostgreSQL database makima at db.example:5433",
  );
  assert.equal(
    name("postgresql:///team?host=%2Frun%2Fpostgresql&password=secret"),
    "PostgreSQL database team at /run/postgresql",
  );
  assert.equal(name("postgres://db.example"), "PostgreSQL database (default) at db.example");
  assert.equal(nameOf({ kind: "sqlite", path: "/srv/makima.db" }), "/srv/makima.db");
  assert.equal(databaseOf("postgres://db/a%20b"), "a b");
});

test("what is no such URL is refused without being shown", () => {
  for (const url of ["mysql://me:secret@db/makima", "postgres://me:secret@:x/", "secret", ""]) {
    assert.throws(
      () => nameOf({ kind: "postgres", url }),
      (error: Error & { code?: string }) => error.code === "config_invalid" && !error.message.includes("secret"),
      url,
    );
  }
});
