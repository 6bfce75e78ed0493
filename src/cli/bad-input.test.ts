import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { exists } from "../platform/files.ts";
import { Sandbox } from "./fixtures/makima.ts";

let sandbox: Sandbox;
let repository: string;
before(async () => {
  sandbox = await Sandbox.open();
  repository = await sandbox.repository();
  await sandbox.git(sandbox.dir, "init", "--quiet", "--bare", "bare.git");
  await sandbox.git(sandbox.dir, "init", "--quiet", "unborn");
  await mkdir(join(sandbox.dir, "empty"));
  await writeFile(join(sandbox.dir, "blank.md"), " \n");
  await writeFile(join(sandbox.dir, "wrong.toml"), '[loop]\nmaxIteratons = 3\nidleTimeout = "soon"\n[sever]\n');
});
after(() => sandbox[Symbol.asyncDispose]());

interface Case {
  args: string[];
  code: number;
  message: RegExp;
  hint?: RegExp;
  input?: Uint8Array;
  /** Directory below the sandbox. */
  cwd?: string;
}

const CASES: Record<string, Case> = {
  "not a repository": { args: ["goal"], cwd: "empty", code: 2, message: /not in a git repository/, hint: /--repo/ },
  "no such directory": { args: ["goal", "--repo", "nowhere"], code: 2, message: /no directory .*nowhere/ },
  "a bare repository": { args: ["goal", "--repo", "../bare.git"], code: 2, message: /bare/, hint: /[Cc]lone/ },
  "an unborn branch": { args: ["goal"], cwd: "unborn", code: 2, message: /no commit yet/, hint: /git commit/ },
  "an unknown base": { args: ["goal", "--base", "v9"], code: 3, message: /"v9"/, hint: /git branch/ },
  "a base that is an option": { args: ["goal", "--base=--all"], code: 3, message: /"--all"/ },
  "an empty goal": { args: [""], code: 2, message: /goal is empty/, hint: /makima run/ },
  "a blank goal": { args: ["  \n"], code: 2, message: /goal is empty/ },
  "an empty goal on stdin": { args: ["-"], code: 2, message: /goal is empty/, input: Buffer.from("") },
  "a blank goal in a file": { args: ["@../blank.md"], code: 2, message: /goal is empty/ },
  "a goal file that is not there": { args: ["@gone.md"], code: 2, message: /gone\.md: ENOENT/ },
  "a goal that looks like an option": { args: ["--", "--force"], code: 2, message: /starts with "--"/ },
  "a goal of 5 MB": { args: ["-"], code: 2, message: /longer than/, hint: /file/, input: Buffer.alloc(5e6, "x") },
  "a configuration file that is not there": { args: ["goal", "--config", "gone.toml"], code: 2, message: /gone\.toml/ },
};

suite("bad input", { concurrency: 2 }, () => {
  for (const [name, wanted] of Object.entries(CASES)) {
    test(`${name} is one clear line and a hint, and leaves nothing behind`, async () => {
      const { code, stdout, stderr } = await run(wanted);
      assert.equal(code, wanted.code, stderr);
      assert.equal(stdout, "");
      const [first = "", second = "", ...rest] = stderr.trimEnd().split("\n");
      assert.match(first, new RegExp(`^makima: .*${wanted.message.source}`));
      assert.match(second, new RegExp(`^hint: .*${wanted.hint?.source ?? "."}`));
      assert.deepEqual(rest, []);
      await nothingLeft();
    });
  }

  test("every problem of a configuration file is told, with its line", async () => {
    const args = ["goal", "--config", join(sandbox.dir, "wrong.toml")];
    const { code, stderr } = await run({ args, code: 2, message: /./ });
    assert.equal(code, 2);
    const lines = stderr.trimEnd().split("\n");
    assert.match(lines[0] ?? "", /^makima: .*wrong\.toml:2: loop\.maxIteratons: .*maxIterations/);
    assert.match(lines[1] ?? "", /^makima: .*wrong\.toml:3: loop\.idleTimeout: /);
    assert.match(lines[2] ?? "", /^makima: .*wrong\.toml:4: sever: .*server/);
    assert.match(lines[3] ?? "", /^hint: /);
    assert.equal(lines.length, 4);
    await nothingLeft();
  });
});

function run({ args, cwd, input }: Case) {
  const options = { cwd: cwd === undefined ? repository : join(sandbox.dir, cwd), ...(input && { input }) };
  return sandbox.makima(["run", ...args], options);
}

async function nothingLeft(): Promise<void> {
  assert.equal(await exists(sandbox.home), false, "no data directory, so no lock, server or database");
  assert.equal(await sandbox.git(repository, "for-each-ref", "--format=%(refname)"), "refs/heads/main");
  assert.deepEqual(await readdir(repository), [".git"]);
}
