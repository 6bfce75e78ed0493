import fc from "fast-check";
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { processorTime } from "../../test/support/processor-time.ts";
import { scanDiff } from "./tampering.ts";
import type { ChangedFile } from "./tampering.ts";

suite("tampering: tests", () => {
  const TEST = 'test("adds", () => {\n  assert.equal(add(1, 2), 3);\n});\n';

  const paths = [
    "src/a.test.ts",
    "a.spec.jsx",
    "pkg/__tests__/a.js",
    "tests/test_a.py",
    "a_test.py",
    "pkg/a_test.go",
    "crate/tests/a.rs",
    "spec/a_spec.rb",
    "src/test/java/AThing.java",
    "src/AServiceTest.kt",
    "tests/AThingTest.php",
  ];
  for (const path of paths) {
    test(`a deleted ${path} is seen`, () => {
      assert.deepEqual(kinds([{ path, status: "D", oldText: TEST, newText: null }]), ["test-deleted"]);
    });
  }

  for (const path of ["src/a.ts", "src/latest.ts", "contest/a.py", "test.md", "tests/fixture.json", "src/main.rs"]) {
    test(`${path} is no test`, () => {
      assert.deepEqual(kinds([{ path, status: "D", oldText: "x", newText: null }]), []);
    });
  }

  test("a test that moved is not deleted, one that lost its name is", () => {
    const deleted: ChangedFile = { path: "a.test.ts", status: "D", oldText: TEST, newText: null };
    assert.deepEqual(kinds([deleted, { path: "b.test.ts", status: "A", oldText: null, newText: TEST }]), []);
    assert.deepEqual(kinds([deleted, { path: "a.test.ts.bak", status: "A", oldText: null, newText: TEST }]), [
      "test-deleted",
    ]);
    const renamed: ChangedFile = { path: "b.txt", oldPath: "b.test.ts", status: "R", oldText: TEST, newText: TEST };
    assert.deepEqual(kinds([renamed]), ["test-deleted"]);
    assert.deepEqual(kinds([{ ...renamed, path: "c.test.ts" }]), []);
  });

  test("a test file without tests is emptied, also when they are commented out", () => {
    assert.deepEqual(kinds([modified("a.test.ts", TEST, "  \n")]), ["test-emptied"]);
    assert.deepEqual(kinds([modified("a.test.ts", TEST, TEST.replace(/^/gm, "// "))]), ["test-emptied"]);
    assert.deepEqual(kinds([modified("src/lib.rs", "#[test]\nfn a() {}", "fn b() {}")]), ["test-emptied"]);
    assert.deepEqual(kinds([modified("a.test.ts", TEST, TEST.replace("3", "4"))]), []);
    assert.deepEqual(kinds([modified("tests/helper.ts", "export const a = 1;", "export const a = 2;")]), []);
  });
});

const SKIPS: [string, string, string][] = [
  ["a.test.ts", 'it("a", f);', 'it.skip("a", f);'],
  ["a.test.ts", 'it("a", f);', 'xit("a", f);'],
  ["a.test.ts", 'it("a", f);', 'it.todo("a");'],
  ["a.test.ts", 'it("a", f);', 'it("a", f);\nit.only("b", f);'],
  ["a.test.ts", 'test("a", f);', 'test("a", { skip: true }, f);'],
  ["a.test.ts", 'test("a", (t) => {});', 'test("a", (t) => { t.skip(); });'],
  ["test_a.py", "def test_a():\n    pass", "@pytest.mark.skip\ndef test_a():\n    pass"],
  ["test_a.py", "def test_a():\n    pass", "def test_a():\n    pytest.skip('later')"],
  ["test_a.py", "def test_a(self):\n    pass", "@unittest.skipIf(True, '')\ndef test_a(self):\n    pass"],
  ["a_test.go", "func TestA(t *testing.T) {\n}", "func TestA(t *testing.T) {\n\tt.Skip()\n}"],
  ["src/lib.rs", "#[test]\nfn a() {}", "#[test]\n#[ignore]\nfn a() {}"],
  ["a_spec.rb", "it 'a' do\nend", "xit 'a' do\nend"],
  ["ATest.java", "@Test\nvoid a() {}", "@Test\n@Disabled\nvoid a() {}"],
  ["ATest.php", "public function testA() {}", "public function testA() { $this->markTestSkipped(); }"],
];

suite("tampering: skipped tests", () => {
  for (const [path, before, after] of SKIPS) {
    test(`${path}: ${JSON.stringify(after)} is newly skipped`, () => {
      assert.deepEqual(kinds([modified(path, before, after)]), ["test-skipped"]);
      assert.deepEqual(kinds([modified(path, after, after + "\n")]), []);
      assert.deepEqual(kinds([modified(path, after, before)]), []);
      assert.deepEqual(kinds([modified(`docs/${path}.md`, before, after)]), []);
    });
  }

  test("what only looks like skipping is none", () => {
    const innocent = 'it("a", () => {\n  model.fit(x);\n  db.find({ skip: 10 });\n});';
    assert.deepEqual(kinds([modified("a.test.ts", 'it("a", f);', innocent)]), []);
  });
});

suite("tampering: configuration", () => {
  const PACKAGE = { name: "x", scripts: { test: "vitest run", build: "tsc" }, jest: { a: 1 } };
  const changedPackage = (after: object): ChangedFile =>
    modified("package.json", JSON.stringify(PACKAGE), JSON.stringify(after));

  test("test scripts of a package", () => {
    const [flag] = scanDiff([changedPackage({ ...PACKAGE, scripts: { ...PACKAGE.scripts, test: "true" } })]);
    assert.deepEqual(flag, {
      kind: "test-script-changed",
      path: "package.json",
      detail: "script test: vitest run -> true",
    });
    assert.deepEqual(kinds([changedPackage({ ...PACKAGE, scripts: {} })]), ["test-script-changed"]);
    assert.deepEqual(kinds([changedPackage({ ...PACKAGE, jest: { a: 2 } })]), ["runner-config-changed"]);
    const pretest = { ...PACKAGE.scripts, pretest: "rm -r test" };
    assert.deepEqual(kinds([changedPackage({ ...PACKAGE, scripts: pretest })]), ["test-script-changed"]);
    assert.equal(kinds([modified("package.json", JSON.stringify(PACKAGE), "{")]).length, 2);
  });

  test("what tests do not depend on in a package", () => {
    const scripts = { ...PACKAGE.scripts, build: "esbuild", "test:new": "vitest new" };
    assert.deepEqual(kinds([changedPackage({ ...PACKAGE, version: "2", scripts })]), []);
    const added = JSON.stringify(PACKAGE);
    assert.deepEqual(kinds([{ path: "a/package.json", status: "A", oldText: null, newText: added }]), []);
  });
});

suite("tampering: configuration of runners and checks", () => {
  for (const path of [
    "vitest.config.ts",
    "jest.config.js",
    "web/.mocharc.yml",
    "pytest.ini",
    "tox.ini",
    "tests/conftest.py",
    "phpunit.xml",
  ]) {
    test(`${path} configures a runner`, () => {
      assert.deepEqual(kinds([modified(path, "a", "b")]), ["runner-config-changed"]);
      const away: ChangedFile = { path: `${path}.old`, oldPath: path, status: "R", oldText: "a", newText: "a" };
      assert.ok(kinds([away]).includes("runner-config-changed"));
    });
  }

  test("only the test sections of shared files count", () => {
    const before = '[project]\nname = "x"\n\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n';
    assert.deepEqual(kinds([modified("pyproject.toml", before, before.replace('"x"', '"y"'))]), []);
    assert.deepEqual(kinds([modified("pyproject.toml", before, before.replace("tests", "none"))]), [
      "runner-config-changed",
    ]);
    const cargo = '[package]\nname = "x"\n\n[[test]]\nname = "a"\n';
    assert.deepEqual(kinds([modified("Cargo.toml", cargo, '[package]\nname = "x"\n')]), ["runner-config-changed"]);
  });

  test("only the test targets of a Makefile count", () => {
    const before = "CC := gcc\nbuild: a.c\n\t$(CC) a.c\n\ntest: build\n\t./run-tests\n";
    assert.deepEqual(kinds([modified("Makefile", before, before.replace("a.c\n\t", "b.c\n\t"))]), []);
    assert.deepEqual(kinds([modified("Makefile", before, before.replace("./run-tests", "true"))]), [
      "test-script-changed",
    ]);
  });

  test("makima's own configuration", () => {
    assert.deepEqual(kinds([modified(".makima.toml", 'checks = ["npm test"]', "checks = []")]), [
      "check-config-changed",
    ]);
    assert.deepEqual(kinds([{ path: ".makima.toml", status: "D", oldText: "", newText: null }]), [
      "check-config-changed",
    ]);
  });
});

suite("tampering: any diff", () => {
  test("never throws", () => {
    const text = fc.option(
      fc.oneof(fc.string(), fc.constantFrom('it.skip("', "{}", '{"scripts":1}', "[tool.pytest", "test:")),
    );
    const path = fc.oneof(
      fc.string(),
      fc.constantFrom("a.test.ts", "package.json", "Makefile", "Cargo.toml", "toString"),
    );
    const file = fc.record({ path, status: fc.constantFrom("A", "M", "D", "R"), oldText: text, newText: text });
    fc.assert(fc.property(fc.array(file), (files) => assert.ok(Array.isArray(scanDiff(files)))));
  });

  for (const unit of ["it.", "it.skip(", " ", "\n", "test", "skip: ", "[", "#[ignore"]) {
    test(`cost grows with the length of ${JSON.stringify(unit)} repeated`, () => {
      const base = scanned(unit.repeat(30_000 / unit.length));
      // A quadratic scan would take a hundred times as long; the constant forgives a collection of garbage.
      assert.ok(scanned(unit.repeat(300_000 / unit.length)) < 40 * base + 50);
    });
  }
});

function modified(path: string, oldText: string, newText: string): ChangedFile {
  return { path, status: "M", oldText, newText };
}

function kinds(files: ChangedFile[]): string[] {
  return scanDiff(files).map(({ kind }) => kind);
}

function scanned(text: string): number {
  const names = [
    "a.test.ts",
    "test_a.py",
    "a_test.go",
    "tests/a.rs",
    "a_spec.rb",
    "ATest.java",
    "ATest.php",
    "Makefile",
  ];
  const files = names.map((name) => modified(name, "", text));
  return processorTime(() => scanDiff(files));
}
