import fc from "fast-check";
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { isBranchName, isRefName, shortId, slug, taskBranch, uuidv7 } from "./ids.ts";

const random = fc.uint8Array({ minLength: 10, maxLength: 16 });
const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });

suite("ids", () => {
  test("a UUIDv7 holds its time, version and variant", () => {
    assert.equal(uuidv7(0x017f22e279b0, new Uint8Array(10).fill(0xff)), "017f22e2-79b0-7fff-bfff-ffffffffffff");
    fc.assert(
      fc.property(time, random, (now, bytes) => {
        const id = uuidv7(now, bytes);
        assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        assert.equal(Number.parseInt(id.replace("-", "").slice(0, 12), 16), now);
      }),
    );
  });

  test("later ids sort later", () => {
    fc.assert(
      fc.property(time, time, random, random, (one, other, a, b) => {
        fc.pre(one < other);
        assert.ok(uuidv7(one, a) < uuidv7(other, b));
      }),
    );
  });

  test("too little randomness is refused", () => assert.throws(() => uuidv7(0, new Uint8Array(9)), RangeError));

  test("short ids of one moment differ", () => {
    const zeros = uuidv7(1, new Uint8Array(10));
    const ones = uuidv7(1, new Uint8Array(10).fill(1));
    assert.equal(shortId(zeros), "00000000");
    assert.notEqual(shortId(zeros), shortId(ones));
  });
});

suite("branch names", () => {
  const slugs: [string, string][] = [
    ["Make the tests pass!", "make-the-tests-pass"],
    ["  --Größe: Überprüfen--  ", "gro-e-uberprufen"],
    ["日本語", "untitled"],
    ["", "untitled"],
    ["a".repeat(50), "a".repeat(20)],
    ["nineteen characters- x", "nineteen-characters"],
  ];
  for (const [text, expected] of slugs) {
    test(`slug of ${JSON.stringify(text)}`, () => assert.equal(slug(text, 20), expected));
  }

  test("a task's branch is a branch name, whatever its task is called", () => {
    assert.equal(taskBranch("fix", "parser", "0a1b2c3d"), "makima/fix/parser-0a1b2c3d");
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string(), time, random, (contract, task, now, bytes) => {
        assert.ok(isBranchName(taskBranch(slug(contract, 40), slug(task, 40), shortId(uuidv7(now, bytes)))));
      }),
    );
  });

  for (const name of ["main", "a/b.c/d_e-1", "v1.2", "a".repeat(200)]) {
    test(`${name.slice(0, 20)} is allowed`, () => assert.ok(isBranchName(name)));
  }

  const refused = [
    "",
    "-a",
    "a/-b",
    "--detach",
    "A",
    "HEAD",
    "a b",
    "a..b",
    "a//b",
    "/a",
    "a/",
    ".a",
    "a/.b",
    "a.",
    "a.lock",
  ];
  refused.push("a.lock/b", "a;id", "a`id`", "@", "a@{1}", "a~1", "a\n", "a:b", "ä", "a".repeat(201));
  for (const name of refused) {
    test(`${JSON.stringify(name.slice(0, 20))} is refused`, () => assert.ok(!isBranchName(name)));
  }
});

suite("names of refs", () => {
  const allowed = [
    "main",
    "Feature/ÄÖ-1",
    "v1.2",
    "HEAD",
    "a@b",
    "refs/heads/x",
    "0123abcd".repeat(5),
    "a".repeat(200),
  ];
  for (const name of allowed) test(`${name.slice(0, 20)} is allowed`, () => assert.ok(isRefName(name)));

  const refused = [
    "",
    "-a",
    "--upload-pack=id",
    "a..b",
    "main~2",
    "main^",
    "main:file",
    "a@{1}",
    "@",
    "a b",
    "a\tb",
    "a\nb",
  ];
  refused.push(
    "/a",
    "a/",
    "a//b",
    ".a",
    "a/.b",
    "a.",
    "a.lock",
    "a.lock/b",
    "a*",
    "a?",
    "a[b",
    "a\\b",
    "a\u0000",
    "a\u200b",
  );
  refused.push("a\u2028b", "\ud800", "a".repeat(201));
  for (const name of refused) {
    test(`${JSON.stringify(name.slice(0, 20))} is refused`, () => assert.ok(!isRefName(name)));
  }

  test("what makima names a branch is one of them", () => {
    const parts = fc.array(fc.stringMatching(/^[a-z0-9._-]{1,10}$/), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(parts, (names) => {
        const name = names.join("/");
        fc.pre(isBranchName(name));
        assert.ok(isRefName(name));
      }),
    );
  });
});
