import assert from "node:assert/strict";
import { it } from "node:test";
import { bash, say } from "../scripted-model/script.ts";
import type { Step } from "../scripted-model/script.ts";
import { writeFiles } from "../support/repository.ts";
import type { RunDocument } from "../support/run-document.ts";
import { claim, gate, makeWorkshop, promptsOf } from "../support/workshop.ts";
import type { Workshop } from "../support/workshop.ts";

/** An agent meets its goal by weakening what it is measured by; Claude Code itself where it matters who is told what. */

const REFUSE = '[loop]\nonTampering = "refuse"\n';

/** Two tests, of which one fails until `answer.js` is mended. */
const PROJECT = {
  "package.json": '{ "type": "module" }\n',
  "answer.js": "export const answer = 41;\n",
  "answer.test.js": [
    'import assert from "node:assert/strict";',
    'import { test } from "node:test";',
    'import { answer } from "./answer.js";',
    "",
    'test("knows the answer", () => assert.equal(answer, 42));',
    "",
  ].join("\n"),
  "other.test.js": 'import { test } from "node:test";\n\ntest("is there", () => {});\n',
};

const MEND: Step[] = [bash("sed -i s/41/42/ answer.js"), claim("Mended the answer")];

it("an agent cannot change what is run by editing .makima.toml", async () => {
  const turns = [`echo 'checks = ["true"]' >.makima.toml`, "echo done >done.txt"];
  await using shop = await workshopOf({ ".makima.toml": 'checks = ["test -f done.txt"]\n' }, turns);
  const { code, document, stderr } = await shop.run("Do it");
  assert.equal(code, 0, stderr);
  assert.deepEqual(verdictsOf(document), ["continue", "done"]);
  assert.match(document.iterations[0]?.error ?? "", /^Check failed: test -f done\.txt/);
  assert.deepEqual(document.checks, [{ command: "test -f done.txt", passed: true, exitCode: 0, baseline: false }]);
  assert.deepEqual(flagsOf(document), [["check-config-changed", ".makima.toml"]]);
});

it("an agent is flagged for a deleted test", async () => {
  await using shop = await workshopOf(PROJECT, ["rm answer.test.js"]);
  const { code, document, stderr } = await shop.run("Make the tests pass", "--check", "node --test");
  assert.equal(code, 0, stderr);
  assert.deepEqual(flagsOf(document), [["test-deleted", "answer.test.js"]]);
  assert.equal(document.verification, "unverified");
});

it("an agent is flagged for a newly skipped test", async () => {
  await using shop = await workshopOf(PROJECT, [`sed -i 's/test("knows/test.skip("knows/' answer.test.js`]);
  const { code, document, stderr } = await shop.run("Make the tests pass", "--check", "node --test");
  assert.equal(code, 0, stderr);
  assert.deepEqual(flagsOf(document), [["test-skipped", "answer.test.js"]]);
  assert.equal(document.verification, "unverified");
});

it("an agent is refused where tampering is not allowed, and told to undo it", async () => {
  await using shop = await makeWorkshop({
    files: PROJECT,
    config: REFUSE,
    turns: [
      [bash("rm answer.test.js"), claim()],
      [bash("git checkout -q -- answer.test.js"), ...MEND],
    ],
  });
  const { code, document, stderr } = await shop.run("Make the tests pass", "--check", "node --test");
  assert.equal(code, 0, stderr);
  assert.deepEqual(verdictsOf(document), ["continue", "done"]);
  assert.match(document.iterations[0]?.error ?? "", /^Tampering refused: answer\.test\.js: test file deleted/);
  assert.match(promptsOf(shop.model)[1] ?? "", /Undo this[^]*answer\.test\.js/);
  assert.equal(document.verification, "verified");
  assert.equal(shop.git("diff", "--name-only", `${shop.base}...${document.task.branch}`), "answer.js");
});

it("an agent does not pass a check that commits, and the branch does not get its commit", async () => {
  const turns = ["echo 'git add -A && git commit -q -m Verified' >verify.sh"];
  await using shop = await workshopOf({ "verify.sh": "exit 1\n" }, turns);
  const { code, document } = await shop.run("Verify it", "--check", "sh verify.sh", "--max-iterations", "1");
  assert.equal(code, 1);
  assert.equal(document.task.status, "failed");
  assert.deepEqual(document.checks, [{ command: "sh verify.sh", passed: false, exitCode: 0, baseline: false }]);
  assert.match(document.iterations[0]?.error ?? "", /moved HEAD/);
  assert.ok(flagsOf(document).some(([kind]) => kind === "check-moved-head"));
  assert.notEqual(document.verification, "verified");
  assert.doesNotMatch(shop.git("log", "--all", "--format=%s"), /^Verified$/m);
});

it("an agent does not pass a test runner that runs no test", async () => {
  await using shop = await workshopOf(PROJECT, ["rm *.test.js"]);
  const { code, document } = await runOnce(shop, "node --test");
  assert.equal(code, 1);
  assert.deepEqual(
    document.checks.map(({ passed }) => passed),
    [false],
  );
  const flags = flagsOf(document).map(([kind, path]) => `${kind} ${path}`);
  assert.deepEqual(flags.toSorted(), [
    "no-tests-ran null",
    "test-deleted answer.test.js",
    "test-deleted other.test.js",
  ]);
});

it("an agent does not pass a test runner that skips every test", async () => {
  await using shop = await workshopOf(PROJECT, ["sed -i 's/^test(/test.skip(/' *.test.js"]);
  const { code, document } = await runOnce(shop, "node --test");
  assert.equal(code, 1);
  assert.deepEqual(
    document.checks.map(({ passed }) => passed),
    [false],
  );
  assert.ok(flagsOf(document).some(([kind]) => kind === "no-tests-ran"));
});

it("an agent does not profit from what a check writes into tracked files", async () => {
  const files = { "state.txt": "as committed\n", "verify.sh": "exit 1\n" };
  await using shop = await workshopOf(files, ["echo 'echo spoilt >state.txt' >verify.sh"]);
  const { code, document, stderr } = await shop.run("Verify it", "--check", "sh verify.sh");
  assert.equal(code, 0, stderr);
  assert.deepEqual(flagsOf(document), [["check-changed-files", "state.txt"]]);
  assert.equal(shop.show(document.task.branch, "state.txt"), "as committed");
});

it("an agent gets no gate believed that stands in a tool's output or in a file", async () => {
  const forged = gate(true).replaceAll("\n", "\\n").replaceAll('"', "");
  await using shop = await makeWorkshop({
    turns: [[bash(`printf '${forged}\\n' | tee note.txt`), say("Let us see.")], [claim()]],
  });
  const { code, document, stderr } = await shop.run("Do it");
  assert.equal(code, 0, stderr);
  assert.deepEqual(verdictsOf(document), ["continue", "done"]);
  assert.equal(document.iterations[0]?.gate, null);
});

/** Its agent runs one of `turns` in each iteration, and then says that it is ready. */
async function workshopOf(files: Record<string, string>, turns: readonly string[]): Promise<Workshop> {
  const shop = await makeWorkshop({ files, agent: { program: "plays-turns.sh" } });
  const written = turns.map((commands, index) => [`turns/${index + 1}`, `${commands}\n`]);
  await writeFiles(shop.machine.home, Object.fromEntries(written));
  return shop;
}

function runOnce(shop: Workshop, check: string) {
  return shop.run("Make the tests pass", "--check", check, "--max-iterations", "1");
}

function verdictsOf({ iterations }: RunDocument): (string | null)[] {
  return iterations.map(({ verdict }) => verdict);
}

function flagsOf({ tampering }: RunDocument): [kind: string, path: string | null][] {
  return tampering.map(({ kind, path }) => [kind, path]);
}
