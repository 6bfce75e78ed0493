import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { makeMachine } from "../../test/support/machine.ts";
import type { Machine } from "../../test/support/machine.ts";
import { exists } from "../platform/files.ts";
import { runCommand } from "../platform/process/command.ts";

let machine: Machine;
let repository: string;
before(async () => {
  machine = await makeMachine();
  repository = join(machine.root, "repo");
  await git(machine.root, "init", "--quiet", "--initial-branch=main", repository);
  await git(repository, "commit", "--quiet", "--allow-empty", "--message=First");
  await git(machine.root, "init", "--quiet", "--bare", "bare.git");
  await git(machine.root, "init", "--quiet", "unborn");
  await mkdir(join(machine.root, "empty"));
  await writeFile(join(machine.root, "blank.md"), " \n");
  await writeFile(join(machine.root, "wrong.toml"), '[loop]\nmaxIteratons = 3\nidleTimeout = "soon"\n[sever]\n');
});
after(() => machine[Symbol.asyncDispose]());

interface Case {
  args: string[];
  code: number;
  message: RegExp;
  hint?: RegExp;
  input?: string;
  /** Directory below the machine's root. */
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
  "an empty goal on stdin": { args: ["-"], code: 2, message: /goal is empty/, input: "" },
  "a blank goal in a file": { args: ["@../blank.md"], code: 2, message: /goal is empty/ },
  "a goal file that is not there": { args: ["@gone.md"], code: 2, message: /gone\.md: ENOENT/ },
  "a goal that looks like an option": { args: ["--", "--force"], code: 2, message: /starts with "--"/ },
  "a goal of 5 MB": { args: ["-"], code: 2, message: /longer than/, hint: /file/, input: "x".repeat(5e6) },
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
    const args = ["goal", "--config", join(machine.root, "wrong.toml")];
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
  const directory = cwd === undefined ? repository : join(machine.root, cwd);
  return machine.makima(["run", ...args], { cwd: directory, ...(input !== undefined && { input }) });
}

async function git(cwd: string, ...args: string[]): Promise<string> {
  const limits = { timeoutMs: 60_000, maxOutputBytes: 64 * 1024 };
  const { exitCode, stdout } = await runCommand(["git", ...args], { cwd, env: machine.environment, ...limits });
  assert.equal(exitCode, 0, `git ${args.join(" ")}`);
  return stdout.toString().trim();
}

async function nothingLeft(): Promise<void> {
  assert.equal(await exists(machine.makimaHome), false, "no data directory, so no lock, server or database");
  assert.equal(await git(repository, "for-each-ref", "--format=%(refname)"), "refs/heads/main");
  assert.deepEqual(await readdir(repository), [".git"]);
}

test("makima sandbox with a data directory that cannot be one", async () => {
  const options = { cwd: repository, env: { MAKIMA_HOME: join(machine.root, "blank.md") } };
  const { code, stdout, stderr } = await machine.makima(["sandbox", "--", "true"], options);
  assert.deepEqual([code, stdout], [4, ""]);
  assert.match(stderr, /^makima: Cannot write makima's directory .*blank\.md \(EEXIST\)\nhint: .*MAKIMA_HOME/);
});
