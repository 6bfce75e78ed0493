import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const ROOT = join(import.meta.dirname, "../..");
/** With each paragraph on one line. */
const PAGE = readFileSync(join(ROOT, "docs/security.md"), "utf8").replaceAll(/(?<!\n)\n *(?!\n)/g, " ");

/** A path, and the names of tests in it. */
const CLAIM = /`([\w./-]+\.test\.ts)`((?:,? "[^"]+")+)/g;

test("every defence names a test that is there", () => {
  const claims = Array.from(PAGE.matchAll(CLAIM), ([, path = "", names = ""]) => ({
    path,
    names: Array.from(names.matchAll(/"([^"]+)"/g), ([, name = ""]) => name),
  }));
  assert.equal(claims.length, PAGE.match(/\.test\.ts/g)?.length, "each path is followed by a name");
  const missing = claims.flatMap(({ path, names }) => {
    const source = readFileSync(join(ROOT, path), "utf8");
    return names.filter((name) => !source.includes(`"${name}"`)).map((name) => `${path}: ${name}`);
  });
  assert.deepEqual(missing, []);
  assert.ok(claims.length > 30);
});

test("every kind of attacker has its part, which says what is not defended", () => {
  const parts = PAGE.split("\n## ");
  for (const attacker of [
    "A malicious repository",
    "A prompt-injected agent",
    "A malicious web page",
    "A stolen laptop",
    "A hostile server",
    "Other users",
  ]) {
    const part = parts.find((text) => text.startsWith(attacker));
    assert.match(part ?? "", /\*\*Not defended:\*\*/, attacker);
  }
});
