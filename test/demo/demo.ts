import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bash, edit, read, say, usage } from "../scripted-model/script.ts";
import { startScriptedModel } from "../scripted-model/server.ts";
import { claudeCommand, claudeEnvironment } from "../support/claude.ts";
import { cli, makeMachine } from "../support/machine.ts";
import type { Machine } from "../support/machine.ts";

// npm run demo: the real Claude Code, driven by a scripted model on loopback, fixes a failing test through `makima run`.
// It first claims to be done while the check still fails; makima does not believe it, and the agent finds the rest.
// With --bubblewrap agent and check work in a sandbox, and the agent first tries what it can reach outside of its checkout.

const CHECK = "node --test";

const { bubblewrap } = parseArgs({ options: { bubblewrap: { type: "boolean", default: false } } }).values;

const REACH = [
  `echo 'alias git=evil' >>~/.bashrc; cat ~/.ssh/id_rsa`,
  `git -C "$(git config remote.origin.url)" update-ref -d refs/heads/main`,
];

const gate = (ready: boolean, reason: string, progress: string): string =>
  `<COMPLETION_GATE>\nready: ${ready}\nreason: "${reason}"\nprogress: "${progress}"\n</COMPLETION_GATE>`;

await using machine = await makeMachine();
await using model = await startScriptedModel({
  turns: [
    [
      say("I will look at the code first."),
      ...(bubblewrap ? REACH.map(bash) : []),
      read("add.js"),
      edit("add.js", "return a - b;", "return Math.abs(a - -b);"),
      usage(2_100, 180),
      say(`That should do it.\n${gate(true, "The test passes now", "Corrected the sign in add.js")}`),
    ],
    [
      bash(`${CHECK} 2>&1 | tail -n 20`),
      edit("add.js", "return Math.abs(a - -b);", "return a + b;"),
      usage(2_600, 240),
      say(`Negative sums were wrong; now they are right.\n${gate(true, "Every test passes", "Make add() add")}`),
    ],
  ],
});
const repository = makeRepository(machine);
mkdirSync(join(machine.home, ".ssh"));
writeFileSync(join(machine.home, ".ssh/id_rsa"), "a private key\n", { mode: 0o600 });
await machine.configure(claudeSection(machine, model.url));

const options = bubblewrap ? ["--bubblewrap"] : [];
process.stdout.write(
  `A repository with a failing test: ${repository}\n\n` +
    `$ makima run "Make the tests pass" ${[`--check "${CHECK}"`, ...options].join(" ")}\n\n`,
);
const code = await inTerminal(["run", "Make the tests pass", "--check", CHECK, ...options]);
if (bubblewrap) process.stdout.write(`\nWhat the agent tried outside of its checkout:\n\n${attempts().join("\n")}\n`);
if (code !== 0) {
  process.exitCode = code ?? 1;
} else {
  const branch = execFileSync("git", ["for-each-ref", "--format=%(refname:short)", "refs/heads/makima/"], {
    cwd: repository,
    encoding: "utf8",
  }).trim();
  process.stdout.write(`\n$ git diff --stat main...${branch}\n\n`);
  execFileSync("git", ["--no-pager", "diff", "--stat", `main...${branch}`], { cwd: repository, stdio: "inherit" });
}

/** Each command with what it printed, as the model was told. */
function attempts(): string[] {
  const answers = model.requests.flatMap(
    ({ body }) => JSON.stringify(body["messages"]).match(/"content":"[^"]*"/g) ?? [],
  );
  const refusals = new Set(answers.filter((answer) => /Read-only file system|No such file/.test(answer)));
  const printed = [...refusals].map((answer) => String(JSON.parse(answer.slice('"content":'.length))));
  return REACH.map((command, index) => `$ ${command}\n${printed[index]?.trimEnd() ?? "nothing was refused"}\n`);
}

function makeRepository({ root, environment }: Machine): string {
  const directory = join(root, "calculator");
  mkdirSync(directory);
  const files = {
    "package.json": '{ "name": "calculator", "type": "module", "scripts": { "test": "node --test" } }\n',
    "add.js": "export function add(a, b) {\n  return a - b;\n}\n",
    "add.test.js": [
      'import assert from "node:assert/strict";',
      'import { test } from "node:test";',
      'import { add } from "./add.js";',
      "",
      'test("adds", () => assert.equal(add(2, 3), 5));',
      'test("adds below zero", () => assert.equal(add(-2, -3), -5));',
      "",
    ].join("\n"),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  const git = (...args: string[]): void => void execFileSync("git", args, { cwd: directory, env: environment });
  git("init", "-q", "-b", "main");
  git("add", "-A");
  git("commit", "-q", "-m", "A calculator that subtracts");
  return directory;
}

function claudeSection({ home }: Machine, modelUrl: string): string {
  const env = Object.entries(claudeEnvironment(home, modelUrl)).map(([name, value]) => `${name} = "${value}"`);
  return `[agents.claude]\ncommand = "${claudeCommand}"\nenv = { ${env.join(", ")} }\n`;
}

/** Runs makima as a person would, on this terminal. */
async function inTerminal(args: string[]): Promise<number | null> {
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: repository,
    env: { ...machine.environment, TERM: process.env["TERM"] ?? "dumb" },
    stdio: "inherit",
  });
  const [status] = (await once(child, "exit")) as [number | null];
  return status;
}
