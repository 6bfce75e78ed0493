import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { outcomeOf } from "../../../../test/support/machine.ts";
import type { Outcome } from "../../../../test/support/machine.ts";
import { refused, saidIn } from "../../../../test/support/said.ts";
import { makeWorkshop } from "../../../../test/support/workshop.ts";
import type { Workshop } from "../../../../test/support/workshop.ts";
import type { Contract, ContractFile, ContractStatus, Task } from "../../../protocol/api.ts";

let shop: Workshop;
before(async () => {
  shop = await makeWorkshop({});
});
after(() => shop[Symbol.asyncDispose]());

const { makima, json } = saidIn(() => shop);

interface Created {
  contract: Contract;
  task: Task | null;
  files: ContractFile[];
}

async function create(...options: string[]): Promise<Contract> {
  const words = ["contract", "create", "--no-supervisor", "--name", "Weeks", "--goal", "Accept weeks"];
  return (await json<Created>(...words, ...options)).contract;
}

test("a contract is created with what is said of it, in several repositories", async () => {
  const second = join(shop.machine.root, "second");
  await mkdir(second);
  shop.git("init", "--quiet", "--initial-branch=trunk", second);
  shop.git(
    "-C",
    second,
    "-c",
    "user.name=A",
    "-c",
    "user.email=a@b",
    "commit",
    "--quiet",
    "--allow-empty",
    "-m",
    "One",
  );
  const terms = ["--type", "specification", "--item", "It parses", "--item", "It prints", "--check", "npm test"];
  const limits = ["--budget", "40", "--max-parallel", "2", "--completion-action", "branch", "--autonomous-loop"];
  const contract = await create("--repo", ".", "--repo", second, ...terms, ...limits);
  const { driver, phase, type, goals, checks, budgetUsd, maxParallel, completionAction, autonomousLoop } = contract;
  assert.deepEqual(
    { driver, phase, type, checks, budgetUsd, maxParallel, completionAction, autonomousLoop },
    {
      driver: "person",
      phase: "research",
      type: "specification",
      checks: ["npm test"],
      budgetUsd: 40,
      maxParallel: 2,
      completionAction: "branch",
      autonomousLoop: true,
    },
  );
  assert.deepEqual(goals, [
    { text: "It parses", done: false },
    { text: "It prints", done: false },
  ]);
  const places = contract.repositories.map(({ path, branch }) => [path, branch]);
  assert.deepEqual(places, [
    [shop.repository, "main"],
    [second, "trunk"],
  ]);
  assert.equal(contract.repositories[0]?.base, shop.base);
});

test("a person is told id, phase and what to type next", async () => {
  const words = ["contract", "create", "--goal", "Accept weeks", "--label", "gpu=yes"];
  const supervised = await makima(...words);
  const [, id = ""] =
    /^Created Accept weeks \((\S+)\): simple, in the phase plan; its supervisor is task \w+\.$/m.exec(supervised) ?? [];
  assert.match(supervised, new RegExp(`^  makima contract status ${id.slice(-8)} --watch$`, "m"));
  const { tasks } = await json<{ tasks: Task[] }>("contract", "show", id);
  assert.deepEqual(
    tasks.map(({ role, labels }) => [role, labels]),
    [["supervisor", { gpu: "yes" }]],
  );
  const alone = await makima(...words, "--no-supervisor");
  assert.match(alone, /^Created Accept weeks \(\S+\): simple, in the phase plan\.$/m);
  assert.match(alone, /^  makima supervisor spawn NAME --plan TEXT --contract \w{8}$/m);
  await makima("contract", "delete", id);
});

test("a template fills in what the command line does not say, and writes its files", async () => {
  const template = `
    name = "From a template"
    goal = "Its goal"
    goals = ["Its item"]
    checks = ["make"]
    supervisor = false
    autonomousLoop = true
    budget = 3.5
    completionAction = "pr"
    labels = { gpu = "yes", os = "linux" }
    [files.notes]
    title = "Notes"
    content = "# Notes"`;
  await writeFile(join(shop.machine.root, "t.toml"), template);
  const named = ["contract", "create", "--template", join(shop.machine.root, "t.toml")];
  const { contract, task, files } = await json<Created>(...named);
  assert.equal(task, null);
  assert.deepEqual(
    [contract.name, contract.goal, contract.goals[0]?.text, contract.budgetUsd, contract.completionAction],
    ["From a template", "Its goal", "Its item", 3.5, "pr"],
  );
  assert.ok(contract.autonomousLoop);
  assert.deepEqual(
    files.map(({ name, title, version, phase }) => [name, title, version, phase]),
    [["notes", "Notes", 1, "plan"]],
  );
  const flags = ["--name", "Mine", "--goal", "My goal", "--item", "My item", "--check", "npm test", "--budget", "9"];
  const mine = (await json<Created>(...named, ...flags, "--completion-action", "none")).contract;
  assert.deepEqual(
    [mine.name, mine.goal, mine.goals.map(({ text }) => text), mine.checks, mine.budgetUsd, mine.completionAction],
    ["Mine", "My goal", ["My item"], ["npm test"], 9, "none"],
  );
  const builtIn = await json<Created>(
    "contract",
    "create",
    "--template",
    "bugfix",
    "--goal",
    "Mend",
    "--no-supervisor",
  );
  assert.ok(builtIn.contract.goals.length > 0);
});

test("files are written, read as they are, and changed by version", async () => {
  const { id } = await create();
  const here = ["--contract", id];
  const content = "  # Plan\n\u001b[31mred\n\n";
  await writeFile(join(shop.machine.root, "plan.md"), content);
  await makima(
    "contract",
    "create-file",
    "plan",
    `@${join(shop.machine.root, "plan.md")}`,
    "--title",
    "The plan",
    ...here,
  );
  assert.equal(await makima("contract", "file", "plan", ...here), content);
  const listed = await makima("contract", "files", id);
  assert.match(listed, /^plan +1 +plan +19 characters +\S+ +The plan$/m);

  const updated = await shop.machine.makima(["contract", "update-file", "plan", "-", "--version", "1", ...here], {
    cwd: shop.repository,
    input: "Another plan\n",
  });
  assert.deepEqual([updated.code, updated.stdout], [0, "Wrote plan, version 2.\n"]);
  const late = await shop.makima("contract", "update-file", "plan", "Mine", "--version", "1", ...here);
  refused(
    late,
    5,
    /^makima: plan is at version 2 by now, not 1\nhint: Read it with `makima contract file plan`.*--version 2/,
  );
  const latest = await json<{ version: number; content: string }>("contract", "file", "plan", ...here);
  assert.deepEqual([latest.version, latest.content], [2, "Another plan\n"]);
  assert.equal(await makima("contract", "file", "plan", "--version", "1", ...here), content);
  refused(await shop.makima("contract", "file", "plan", "--version", "7", ...here), 3, /no version 7/);
  refused(await shop.makima("contract", "create-file", "plan", "x", ...here), 5, /already/);
});

test("status, checklist, goals and suggestions tell where it stands", async () => {
  const { id } = await create("--item", "It parses", "--item", "It prints");
  const env = { MAKIMA_CONTRACT_ID: id };
  const within = async (...args: string[]) =>
    (await shop.machine.makima(["contract", ...args], { cwd: shop.repository, env })).stdout;
  assert.match(await within("suggest-action"), /^Plan is missing.*\n  makima contract create-file plan @plan\.md$/m);
  const outside = await makima("contract", "suggest-action", id);
  assert.equal(outside.split("\n", 1)[0], `export MAKIMA_CONTRACT_ID=${id}`);
  assert.equal(
    await within("checklist"),
    "Goals:\n  [ ] 1. It parses\n  [ ] 2. It prints\nDeliverables of plan:\n  [ ] Plan: The file plan is not written\n",
  );
  assert.equal(
    await within("goals", "--done", "2", "--add", "It is fast"),
    "[ ] 1. It parses\n[x] 2. It prints\n[ ] 3. It is fast\n",
  );
  assert.equal(await within("goals", "--open", "2"), "[ ] 1. It parses\n[ ] 2. It prints\n[ ] 3. It is fast\n");
  assert.equal(await within("report", "Half \u001b[2Jway\nthere"), "Reported.\n");
  const status = await within("status");
  assert.match(status, /^Weeks\n\S+, simple, active, driven by a person\n\[plan\] → execute, \$0\.00\n/);
  assert.match(status, /^  \d\d:\d\d:\d\d  a person: Half way there$/m);
  const document = await json<ContractStatus>("contract", "status", id);
  assert.deepEqual([document.nextPhase, document.reports.length, document.openQuestions], ["execute", 1, []]);
});

test("limits, name and completion action can be changed", async () => {
  const { id, integrationBranch } = await create();
  const updated = ["contract", "update", id, "--budget", "5", "--max-parallel", "3", "--name", "Months"];
  assert.match(await makima(...updated), /^Months \(\S+\) has a budget of \$5\.00, and at most 3 tasks at once\.$/m);
  const { contract } = await json<{ contract: Contract }>("contract", "update", id, "--budget", "none");
  assert.deepEqual([contract.budgetUsd, contract.maxParallel], [null, 3]);
  assert.match(
    await makima("contract", "completion-action", "branch", id),
    new RegExp(`^Months: finished tasks are merged into ${integrationBranch}\\.$`, "m"),
  );
  assert.match(await makima("contract", "show", id), /^Completion action branch: /m);
  assert.match(await makima("contract", "list"), /active +simple +plan +\$0\.00 +\S+ +Months$/m);
});

/** A command that goes on, once it has begun to print. */
async function startWatching(...args: string[]): Promise<{ outcome: Promise<Outcome> }> {
  const child = shop.machine.start(args, { cwd: shop.repository });
  const outcome = outcomeOf(child);
  await once(child.stdout, "data");
  return { outcome };
}

test("whoever watches sees each change, until the contract has ended", async () => {
  const { id } = await create();
  const documents = await startWatching("contract", "status", id, "--watch", "--json");
  const lines = await startWatching("contract", "status", id, "--watch");
  await makima("contract", "create-file", "plan", "Do it", "--contract", id);
  await makima("contract", "report", "It goes well", id);
  const completed = await makima("contract", "complete", id);
  assert.match(completed, /^Completed Weeks \(\S+\)\.\n\n# Weeks\n/);

  const watched = await documents.outcome;
  assert.equal(watched.code, 0, watched.stderr);
  const [first = "", ...others] = watched.stdout.trimEnd().split("\n");
  assert.equal((JSON.parse(first) as { status: ContractStatus }).status.contract.id, id);
  const rest = others.map((line) => JSON.parse(line) as Record<string, unknown>);
  const kinds = rest.flatMap((document) => Object.keys(document));
  assert.deepEqual([...new Set(kinds)].toSorted(), ["contract", "file", "report"]);
  const last = rest.findLast((document) => "contract" in document) as { contract: Contract } | undefined;
  assert.equal(last?.contract.status, "completed");

  const read = await lines.outcome;
  assert.equal(read.code, 0, read.stderr);
  const told = read.stdout.split("\n").flatMap((line) => /^[\d:]{8}  (.*)$/.exec(line)?.[1] ?? []);
  assert.deepEqual(told.slice(0, 2), ["File plan: version 1 (plan)", "Report: It goes well"]);
  assert.ok(told.includes("The contract is completed"));
  const again = await json<object>("contract", "status", id, "--watch");
  assert.ok("status" in again, "a contract that has ended is not waited for");
});

const MISUSES: Record<string, [args: string[], exit: number, message: RegExp]> = {
  "a type that is none": [
    ["create", "--type", "complex", "--goal", "x"],
    2,
    /--type "complex".*\nhint: .*simple, spec/,
  ],
  "an unknown template": [
    ["create", "--template", "nope", "--goal", "x"],
    3,
    /no template "nope"\nhint: There are bugfix/,
  ],
  "a broken template": [["create", "--template", "./broken.toml", "--goal", "x"], 2, /broken\.toml:2: /],
  "no goal": [["create"], 2, /No goal is given\nhint: .*--goal/],
  "an empty goal": [["create", "--goal", " "], 2, /goal is empty/],
  "a negative budget": [["create", "--goal", "x", "--budget=-1"], 2, /--budget "-1"/],
  "a negative limit": [["update", "x", "--budget", "-1"], 2, /--budget "-1"/],
  "a place that is no repository": [["create", "--goal", "x", "--repo", "/"], 2, /not in a git repository/],
  "an unknown base": [["create", "--goal", "x", "--base", "v9"], 3, /"v9"/],
  "the same repository twice": [["create", "--goal", "x", "--repo", ".", "--repo", "."], 2, /twice/],
  "an unknown contract": [["status", "ffffffff"], 3, /ffffffff/],
  "no contract": [["checklist"], 2, /No contract is named/],
  "a file name with a slash": [
    ["create-file", "../plan", "x", "--contract", "x"],
    2,
    /"\.\.\/plan" is no name.*\nhint: .*slash/,
  ],
  "an empty file": [["create-file", "plan", " ", "--contract", "x"], 2, /content is empty/],
  "no version": [
    ["update-file", "plan", "x", "--contract", "x"],
    2,
    /--version is missing.*\nhint: .*makima contract file plan/,
  ],
  "a goal that has no number": [["goals", "x", "--done", "first"], 2, /--done "first"/],
  "an action that is none": [["completion-action", "push", "x"], 2, /"push" is no completion action/],
  "an empty report": [["report", " ", "x"], 2, /report is empty/],
};

suite("misuse", () => {
  before(() => writeFile(join(shop.machine.root, "broken.toml"), 'name = "x"\ngoal = \n'));
  for (const [name, [args, exit, message]] of Object.entries(MISUSES)) {
    test(`${name} is refused with a line and a hint`, async () => {
      const words = args.map((word) => (word === "./broken.toml" ? join(shop.machine.root, "broken.toml") : word));
      const outcome = await shop.makima("contract", ...words);
      refused(outcome, exit, message);
      assert.match(outcome.stderr, /^makima: .+\nhint: .+\n$/);
    });
  }
});
