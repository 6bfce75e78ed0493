import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { bash, say } from "../scripted-model/script.ts";
import type { Step, Turn } from "../scripted-model/script.ts";
import { notificationTitles, openQuestion, statusOf, tasksByName, theContract } from "../support/contract.ts";
import { greeters, MERGED, PLANS } from "../support/greetings.ts";
import { until } from "../support/until.ts";
import { claim, gate, makeWorkshop, promptsOf, treeOf } from "../support/workshop.ts";
import type { Workshop } from "../support/workshop.ts";

/** Whole contracts with the real Claude Code as supervisor, which drives them through its Bash tool. */

const ID = `id() { node -pe 'JSON.parse(require("fs").readFileSync(0, "utf8")).task.id'; }`;

/** Each is one call of the Bash tool; what the next ones need lies in the home directory, beside the checkout. */
const DRIVE = [
  `makima supervisor advance-phase; echo "refused with $?" >"$HOME/refused"
   makima contract create-file research "Greetings differ" && makima supervisor advance-phase &&
   makima contract create-file specification "One greeting, one farewell" && makima supervisor advance-phase &&
   makima contract create-file plan "alpha, then beta; gamma beside them" && makima supervisor advance-phase`,
  `${ID}
   makima supervisor spawn alpha --plan "${PLANS.alpha}" --json | id >"$HOME/alpha"
   makima supervisor spawn beta --plan "${PLANS.beta}" --after "$(cat "$HOME/alpha")" --json | id >"$HOME/beta"
   echo "${PLANS.gamma}" | makima supervisor spawn gamma --plan - --json | id >"$HOME/gamma"`,
  `makima supervisor wait --all --timeout 100s --json >"$HOME/waited.json"`,
  `for name in alpha beta gamma; do
     makima supervisor task "$(cat "$HOME/$name")" --json >"$HOME/task-$name.json"
     makima supervisor output "$(cat "$HOME/$name")" --text >"$HOME/output-$name.txt"
     makima supervisor diff "$(cat "$HOME/$name")" >"$HOME/diff-$name.patch"
   done`,
  `makima supervisor merge "$(cat "$HOME/alpha")" && makima supervisor merge "$(cat "$HOME/beta")"
   makima supervisor merge "$(cat "$HOME/gamma")" --dry-run; echo "dry run: $?" >"$HOME/conflict"
   makima supervisor merge "$(cat "$HOME/gamma")" --json >"$HOME/conflict.json"; echo "merge: $?" >>"$HOME/conflict"`,
  `makima supervisor ask "Whose greeting is to be kept?" --choice alpha --choice gamma --timeout 100s >"$HOME/answer"`,
  `makima supervisor resume "$(cat "$HOME/gamma")" \\
     --message "Merge the integration branch, and keep the greeting of $(cat "$HOME/answer")" &&
   makima supervisor wait "$(cat "$HOME/gamma")" --timeout 100s && makima supervisor merge "$(cat "$HOME/gamma")"`,
  `makima supervisor advance-phase && makima contract create-file review "Everything is merged" &&
   makima contract goals --done 1 && makima contract report "Three tasks are merged" && makima contract complete`,
];

it("a supervisor plans, spawns, waits, reads, merges, asks, and completes the contract", async () => {
  const supervise = ({ iteration }: Turn): Step[] =>
    iteration === 0 ? [...DRIVE.map((line) => bash(`{\n${line}\n} >>"$HOME/log" 2>&1`)), claim()] : [claim()];
  await using shop = await makeWorkshop({ turns: greeters(supervise), files: { "README.md": "A greeter\n" } });
  await create(shop, "--type", "specification", "--item", "Greet", "--check", "test -f README.md");
  const { id } = await theContract(shop.machine);
  const question = await openQuestion(shop.machine);
  assert.deepEqual([question.text, question.choices], ["Whose greeting is to be kept?", ["alpha", "gamma"]]);
  assert.equal((await shop.makima("question", "answer", question.id, "alpha")).code, 0);
  const tasks = await ended(shop);
  const log = await readFile(join(shop.machine.home, "log"), "utf8");
  assert.deepEqual(
    [...tasks.values()].map(({ name, role, status, merge }) => `${name} ${role} ${status} ${merge}`).toSorted(),
    [
      "Greetings supervisor completed null",
      "alpha worker completed merged",
      "beta worker completed merged",
      "gamma worker completed merged",
    ],
    log,
  );
  const { contract, deliverables } = await statusOf(shop.machine, id);
  assert.deepEqual(
    [contract.status, contract.phase, contract.goals],
    ["completed", "review", [{ text: "Greet", done: true }]],
  );
  assert.ok(deliverables.every(({ done }) => done));
  assert.deepEqual(treeOf(shop, contract.integrationBranch), MERGED);
  const merges = shop.git(
    "log",
    "--merges",
    "--first-parent",
    "--format=%s",
    `${shop.base}..${contract.integrationBranch}`,
  );
  assert.deepEqual(
    merges.split("\n").map((subject) => subject.replace(/ \(.*/, "")),
    ["Merge gamma", "Merge beta", "Merge alpha"],
  );
  await requireNotes(shop);
  await requireReport(shop, id);
  assert.deepEqual((await notificationTitles(shop.machine)).toSorted(), [
    "contract-done | Contract done: Greetings",
    "question-asked | Question: Greetings",
    "task-finished | Finished: Greetings",
    "task-finished | Finished: alpha",
    "task-finished | Finished: beta",
    "task-finished | Finished: gamma",
    "task-finished | Finished: gamma",
  ]);
});

/** What the supervisor has seen of its commands. */
async function requireNotes(shop: Workshop): Promise<void> {
  const note = async (name: string) => (await readFile(join(shop.machine.home, name), "utf8")).trim();
  assert.equal(await note("refused"), "refused with 5");
  assert.equal(await note("conflict"), "dry run: 5\nmerge: 5");
  assert.equal(await note("answer"), "alpha");
  const { conflicts } = JSON.parse(await note("conflict.json")) as { conflicts: unknown };
  assert.deepEqual(conflicts, [{ path: "greeting.txt", kind: "add/add" }]);
  assert.match(await note("diff-gamma.patch"), /^\+hello from gamma$/m);
  assert.match(await note("output-beta.txt"), /printf 'bye/);
  const { task } = JSON.parse(await note("task-beta.json")) as { task: { status: string; after: string[] } };
  assert.deepEqual([task.status, task.after], ["completed", [await note("alpha")]]);
}

async function requireReport(shop: Workshop, contract: string): Promise<void> {
  const { stdout } = await shop.makima("contract", "file", "report", "--contract", contract);
  for (const words of ["Greet", "alpha", "beta", "gamma", "Three tasks are merged"])
    assert.ok(stdout.includes(words), words);
}

it("a supervisor that waits is woken by what happens, and a killed server and daemon lose nothing of it", async () => {
  const supervise = ({ prompt }: Turn): Step[] => {
    if (/alpha[^]*is completed/.test(prompt)) {
      const merge = `makima supervisor merge "$(cat "$HOME/alpha")" && makima contract create-file plan done &&
        makima supervisor advance-phase && makima contract complete`;
      return [bash(merge), claim()];
    }
    const spawn = `${ID}
      makima supervisor spawn alpha --plan "${PLANS.alpha}" --check 'while [ ! -e "$HOME/go" ]; do sleep 0.05; done' \\
        --json | id >"$HOME/alpha"`;
    return [bash(spawn), say(gate(false, { reason: "alpha is at work" }))];
  };
  await using shop = await makeWorkshop({ turns: greeters(supervise), config: "[loop]\nbaseline = false" });
  await create(shop);
  await until(
    async () => (await tasksByName(shop.machine)).get("Greetings")?.status === "waiting",
    "the supervisor waits",
  );
  await killServer(shop);
  assert.equal((await shop.makima("ps")).code, 0);
  await writeFile(join(shop.machine.home, "go"), "");
  const tasks = await ended(shop);
  assert.deepEqual(
    [...tasks.values()].map(({ status }) => status),
    ["completed", "completed"],
  );
  const contract = await theContract(shop.machine);
  assert.equal(contract.status, "completed");
  assert.deepEqual(treeOf(shop, contract.integrationBranch)["greeting.txt"], "hello from alpha\n");
  // Woken with --resume: all that it was told is one conversation.
  const told = promptsOf(shop.model).filter((prompt) => !prompt.startsWith(PLANS.alpha));
  assert.equal(told.length, 2);
  const sessions = new Set(
    shop.model.requests.filter(({ prompt }) => told.includes(prompt)).map(({ session }) => session),
  );
  assert.equal(sessions.size, 1);
});

async function create(shop: Workshop, ...options: string[]): Promise<void> {
  const fixed = ["--name", "Greetings", "--goal", "Greet whoever comes", "--autonomous-loop"];
  const { code, stderr } = await shop.makima("contract", "create", ...fixed, ...options);
  assert.equal(code, 0, stderr);
}

/** Every task, once none is live any more. */
async function ended(shop: Workshop): ReturnType<typeof tasksByName> {
  return until(
    async () => {
      const tasks = await tasksByName(shop.machine);
      return [...tasks.values()].every(({ status }) => ["completed", "failed", "cancelled"].includes(status)) && tasks;
    },
    "every task has ended",
    110_000,
  );
}

async function killServer({ machine }: Workshop): Promise<void> {
  const { pid } = JSON.parse(await readFile(join(machine.makimaHome, "server.json"), "utf8")) as { pid: number };
  process.kill(pid, "SIGKILL");
}
