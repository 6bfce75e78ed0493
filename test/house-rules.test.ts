import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, glob, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";

/** A rule that never refuses anything is no rule: each is shown a file that it must refuse, and one that it must not. */

const ROOT = dirname(import.meta.dirname);
const require = createRequire(import.meta.url);

/** What each layer rule must refuse: rule -> file and text. */
const FORBIDDEN_IMPORTS: Record<string, [file: string, text: string]> = {
  "layer-core": ["src/core/a.ts", `import "../platform/ok.ts";`],
  "layer-protocol": ["src/protocol/a.ts", `import "../client/ok.ts";`],
  "layer-client": ["src/client/a.ts", `import "../platform/ok.ts";`],
  "layer-platform": ["src/platform/a.ts", `import "../protocol/ok.ts";`],
  "layer-server": ["src/server/a.ts", `import "../daemon/ok.ts";`],
  "layer-daemon": ["src/daemon/a.ts", `import "../server/ok.ts";`],
  "layer-cli": ["src/cli/a.ts", `import "../other/ok.ts";`],
  "cli-composes-in-roots": ["src/cli/commands/ps.ts", `await import("../../server/ok.ts");`],
  "cli-composes-lazily": ["src/cli/local/work.ts", `import "../../daemon/ok.ts";`],
  "core-is-pure": ["src/core/b.ts", `import "node:fs";`],
  "protocol-needs-only-zod": ["src/protocol/b.ts", `import "node:crypto";`],
  "client-runs-in-browsers": ["src/client/b.ts", `import "zod";`],
  "processes-have-one-home": ["src/daemon/b.ts", `await import("node:child_process");`],
  "databases-have-one-home": ["src/server/b.ts", `import "node:sqlite";`],
  "no-cycles": ["src/server/c.ts", `import "./d.ts";`],
  "no-test-code-in-src": ["src/server/e.ts", `import "../../test/ok.ts";`],
  "no-undeclared-packages": ["src/server/f.ts", `import "undeclared";`],
  "no-unresolved": ["src/server/g.ts", `import "./absent.ts";`],
};

const ALLOWED_IMPORTS: Record<string, string> = {
  "src/core/ok.ts": "export const core = 1;",
  "src/protocol/ok.ts": `import "zod"; import "../core/ok.ts";`,
  "src/client/ok.ts": `import "../protocol/ok.ts"; import type { z } from "zod"; export type T = z;`,
  "src/platform/ok.ts": `import "node:fs"; import "../core/ok.ts";`,
  "src/platform/lock.ts": `import "node:sqlite";`,
  "src/platform/process/ok.ts": `import "node:child_process";`,
  "src/server/ok.ts": `import "../platform/ok.ts"; import "../protocol/ok.ts";`,
  "src/server/db/ok.ts": `import "node:sqlite";`,
  "src/server/d.ts": `import "./c.ts";`,
  "src/daemon/ok.ts": `import "../client/ok.ts"; import "../platform/ok.ts";`,
  "src/cli/local/serve.ts": `await import("../../server/ok.ts"); import type { T } from "../../daemon/t.ts"; export type U = T;`,
  "src/daemon/t.ts": "export type T = 1;",
  "src/other/ok.ts": "export const other = 1;",
  "test/ok.ts": `import "node:child_process";`,
};

const PREAMBLE = "declare const thing: { name?: string };\ndeclare function later(): Promise<void>;\n";

/** What the linter must refuse: rule -> file and text. */
const FORBIDDEN_CODE: Record<string, [file: string, text: string]> = {
  "max-lines": ["src/core/long.ts", `export {};\n${"\n".repeat(400)}`],
  "max-lines-per-function": ["src/core/function.ts", `export function f() {\n${"\n".repeat(60)}}\n`],
  "no-restricted-properties": ["src/server/env.ts", "export const home = process.env.HOME;\n"],
  "no-floating-promises": ["src/core/floating.ts", `${PREAMBLE}later();\nexport {};\n`],
  "no-misused-promises": ["src/core/misused.ts", `${PREAMBLE}[1].forEach(async () => later());\nexport {};\n`],
  "no-unused-vars": ["src/core/unused.ts", "const value = 1;\nexport {};\n"],
  "no-explicit-any": ["src/core/any.ts", "export const value: any = 1;\n"],
  "no-non-null-assertion": ["src/core/non-null.ts", `${PREAMBLE}export const name = thing.name!;\n`],
  "no-console": ["src/core/console.ts", 'console.log("x");\n'],
  "ban-ts-comment": ["src/core/comment.ts", "// @ts-ignore\nexport {};\n"],
};

const ALLOWED_CODE: Record<string, string> = {
  "src/platform/config/env.ts": "export const home = process.env.HOME;\n",
  "src/cli/main.ts": "export const home = process.env.HOME;\n",
  "src/core/long-enough.ts": `export const value = 1;\n${"\n".repeat(399)}`,
  "test/registered.test.ts": 'import { test } from "node:test";\ntest("x", () => {});\n',
  "scripts/print.ts": 'console.log("x");\n',
};

let fixture: string;
before(async () => {
  fixture = await mkdtemp(join(tmpdir(), "makima-rules-"));
  await cp(join(ROOT, "tsconfig.json"), join(fixture, "tsconfig.json"));
});
after(() => rm(fixture, { recursive: true, force: true }));

test("every rule of the layers refuses its fixture, and only that", async () => {
  const { forbidden } = require("../.dependency-cruiser.cjs") as { forbidden: { name: string }[] };
  const rules = forbidden.map((rule) => rule.name);
  assert.deepEqual(Object.keys(FORBIDDEN_IMPORTS).toSorted(), rules.toSorted(), "a fixture for each rule");
  const tree = join(fixture, "layers");
  await writePackages(tree);
  await writeTree(tree, FORBIDDEN_IMPORTS, ALLOWED_IMPORTS);
  const config = join(ROOT, ".dependency-cruiser.cjs");
  const output = await run("depcruise", ["src", "test", "--config", config, "--output-type", "json"], tree);
  const { summary } = JSON.parse(output) as { summary: { violations: { from: string; rule: { name: string } }[] } };
  const refused = summary.violations.map(({ from, rule }) => `${rule.name}: ${from}`);
  for (const [rule, [file]] of Object.entries(FORBIDDEN_IMPORTS)) assert.ok(refused.includes(`${rule}: ${file}`), rule);
  assert.deepEqual(
    refused.filter((line) => /\/ok\.ts$|serve\.ts$|lock\.ts$/.test(line)),
    [],
    "nothing allowed is refused",
  );
});

test("every rule of the linter refuses its fixture, and only that", async () => {
  const tree = join(fixture, "lint");
  await writeTree(tree, FORBIDDEN_CODE, ALLOWED_CODE);
  await symlink(join(ROOT, "node_modules"), join(tree, "node_modules"));
  for (const file of [".oxlintrc.json", "tsconfig.json"]) await cp(join(ROOT, file), join(tree, file));
  const output = await run("oxlint", ["--type-aware", "--format", "json", "src", "test", "scripts"], tree);
  const { diagnostics } = JSON.parse(output) as { diagnostics: { code: string; filename: string }[] };
  const refused = diagnostics.map(({ code, filename }) => `${/\((.*)\)/.exec(code)?.[1]}: ${filename}`);
  for (const [rule, [file]] of Object.entries(FORBIDDEN_CODE)) assert.ok(refused.includes(`${rule}: ${file}`), rule);
  const allowed = Object.keys(ALLOWED_CODE);
  assert.deepEqual(
    refused.filter((line) => allowed.some((file) => line.endsWith(file))),
    [],
    "nothing allowed is refused",
  );
});

test("no source silences a rule or leaves work behind", async () => {
  const silenced: string[] = [];
  for await (const file of glob("{src,test,scripts,bench,bin}/**/*.ts", { cwd: ROOT })) {
    if (file === "test/house-rules.test.ts") continue;
    const text = await readFile(join(ROOT, file), "utf8");
    if (/(ox|es)lint-(disable|enable)|@ts-(ignore|expect-error|nocheck)|\b(TODO|FIXME|XXX)\b/.test(text))
      silenced.push(file);
  }
  assert.deepEqual(silenced, []);
});

async function writeTree(
  tree: string,
  ...parts: Record<string, string | [file: string, text: string]>[]
): Promise<void> {
  const files = parts.flatMap((part) =>
    Object.entries(part).map(([name, at]) => (typeof at === "string" ? [name, at] : at)),
  );
  for (const [file = "", text = ""] of files) {
    await mkdir(dirname(join(tree, file)), { recursive: true });
    await writeFile(join(tree, file), text);
  }
}

/** zod is declared and installed, the other package installed only. */
async function writePackages(tree: string): Promise<void> {
  const dependencies = { zod: "*" };
  await writeTree(tree, {
    "package.json": JSON.stringify({ name: "fixture", type: "module", dependencies }),
    "node_modules/zod/package.json": JSON.stringify({ name: "zod", main: "index.js" }),
    "node_modules/zod/index.js": "",
    "node_modules/undeclared/package.json": JSON.stringify({ name: "undeclared", main: "index.js" }),
    "node_modules/undeclared/index.js": "",
  });
  await cp(join(ROOT, "tsconfig.json"), join(tree, "tsconfig.json"));
}

/** stdout of a tool of this repository, whatever its exit code. */
function run(tool: string, args: string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const program = join(ROOT, "node_modules", ".bin", tool);
    execFile(program, args, { cwd, maxBuffer: 64 * 1024 * 1024 }, (error, stdout) => {
      if (stdout === "" && error !== null) reject(error);
      else resolve(stdout);
    });
  });
}
