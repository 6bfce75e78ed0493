import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { MakimaError } from "../../core/errors.ts";
import { OpenContract } from "../../protocol/api.ts";
import { parseTemplate } from "./template-file.ts";
import type { Template } from "./template-file.ts";
import { BUILT_IN, findTemplate } from "./templates.ts";

let cwd: string;
let directory: string;
before(async () => {
  cwd = await mkdtemp(join(tmpdir(), "makima-templates-"));
  directory = join(cwd, "templates");
  await mkdir(directory);
});
after(() => rm(cwd, { recursive: true }));

function find(named: string) {
  return findTemplate(named, { cwd, directory });
}

test("the built-in templates are ones that the API takes", () => {
  assert.deepEqual(Object.keys(BUILT_IN), ["feature", "bugfix", "specification"]);
  for (const { type, goals, completionAction, maxParallel } of Object.values(BUILT_IN)) {
    OpenContract.pick({ type: true, goals: true, completionAction: true, maxParallel: true }).parse({
      type,
      goals,
      completionAction,
      maxParallel,
    });
  }
});

test("a name is looked up in the person's directory first, then among those that are always there", async () => {
  assert.equal(await find("bugfix"), BUILT_IN["bugfix"]);
  await writeFile(join(directory, "bugfix.toml"), 'type = "simple"\nchecks = ["make"]\n');
  assert.deepEqual(await find("bugfix"), { type: "simple", checks: ["make"] });
  await rm(join(directory, "bugfix.toml"));
});

test("what has a slash or ends in .toml is a file", async () => {
  await writeFile(join(cwd, "mine.toml"), 'goal = "Do it"\n[files.notes]\ntitle = "Notes"\ncontent = "# Notes"\n');
  const wanted = { goal: "Do it", files: { notes: { title: "Notes", content: "# Notes" } } };
  assert.deepEqual(await find("mine.toml"), wanted);
  assert.deepEqual(await find("./mine.toml"), wanted);
  await assert.rejects(find("gone.toml"), { code: "not_found", message: /gone\.toml/ });
});

test("an unknown name is answered with those that there are", async () => {
  await writeFile(join(directory, "ours.toml"), "");
  const unknown = (error: unknown) =>
    error instanceof MakimaError &&
    error.code === "not_found" &&
    error.message === 'There is no template "feature-x"' &&
    error.hint.startsWith("There are bugfix, feature, ours, specification;");
  await assert.rejects(find("feature-x"), unknown);
  await assert.rejects(find("constructor"), { code: "not_found" });
  await rm(join(directory, "ours.toml"));
});

test("a template that cannot be read is no template that is not there", async () => {
  await mkdir(join(directory, "folder.toml"));
  await assert.rejects(find("folder"), { code: "config_invalid", message: /folder\.toml: EISDIR/ });
  await rm(join(directory, "folder.toml"), { recursive: true });
});

const WRONG = `type = "complex"
goals = ["one", 2]
budgt = 5
budget = -1
maxParallel = 0
completionAction = "push"
labels = { "a b" = "c" }

[files."a/b"]
content = "x"

[files.notes]
titles = "Notes"
`;

test("everything that is wrong with a template is told at once, with its line", () => {
  const { message, hint } = failureOf(WRONG);
  const lines = message.split("\n");
  const expected: [place: string, what: RegExp][] = [
    ["t.toml:1: type", /simple/],
    ["t.toml:2: goals.1", /string/],
    ["t.toml:3: budgt", /did you mean budget\?/],
    ["t.toml:4: budget", />0/],
    ["t.toml:5: maxParallel", />=1/],
    ["t.toml:6: completionAction", /"pr"/],
    ["t.toml:7: labels.a b", /./],
    ["t.toml:9: files.a/b", /small letters/],
    ["t.toml:12: files.notes.content", /./],
    ["t.toml:13: files.notes.titles", /did you mean title\?/],
  ];
  assert.equal(lines.length, expected.length, message);
  for (const [place, what] of expected) {
    const line = lines.find((one) => one.startsWith(`${place}: `));
    assert.match(line ?? "", what, `${place} in ${message}`);
  }
  assert.match(hint, /docs\/CLI\.md/);
});

test("what is no TOML is told with its line", () => {
  assert.match(failureOf('type = "simple"\ngoal = [\n').message, /^t\.toml:[23]: /);
});

function failureOf(text: string): MakimaError {
  try {
    parseTemplate(text, "t.toml");
  } catch (error) {
    if (error instanceof MakimaError && error.code === "config_invalid") return error;
    throw error;
  }
  throw new Error("no problem was found");
}

test("the examples are templates", async () => {
  const examples = join(import.meta.dirname, "../../../examples/templates");
  const files = (await readdir(examples)).filter((file) => file.endsWith(".toml"));
  assert.ok(files.length > 0);
  for (const file of files) {
    const { goals, checks } = parseTemplate(await readFile(join(examples, file), "utf8"), file);
    assert.ok(goals !== undefined && checks !== undefined, file);
  }
});

/** The compiler wants every key, and no other. */
const KEYS = {
  type: true,
  name: true,
  goal: true,
  goals: true,
  checks: true,
  autonomousLoop: true,
  budget: true,
  maxParallel: true,
  supervisor: true,
  completionAction: true,
  agent: true,
  labels: true,
  files: true,
} satisfies Record<keyof Template, true>;

test("the reference shows a template with every key", async () => {
  const page = await readFile(join(import.meta.dirname, "../../../docs/CLI.md"), "utf8");
  const [, block = ""] =
    /^## Contract templates$[^]*?^Every key may be absent:\n\n((?: {4}.*\n|\n)+)/m.exec(page) ?? [];
  assert.deepEqual(Object.keys(parseTemplate(block, "CLI.md")), Object.keys(KEYS));
});
