import assert from "node:assert/strict";
import { it } from "node:test";
import { bash } from "../scripted-model/script.ts";
import type { Step, Turn } from "../scripted-model/script.ts";
import { notificationTitles, statusOf, tasksByName, theContract } from "../support/contract.ts";
import { until } from "../support/until.ts";
import { claim, makeWorkshop, promptsOf, treeOf } from "../support/workshop.ts";
import type { Workshop } from "../support/workshop.ts";

/** Finished tasks of a contract are merged by themselves, with the real Claude Code at work. */

const FILES = { "README.md": "A greeter\n" };

it("a conflict goes back to its agent once, with the facts, and the resolved work is merged", async () => {
  await using shop = await makeWorkshop({ files: FILES, turns: greeter(RESOLVE) });
  const contract = await spawnBoth(shop);
  await until(async () => everyMerge(await tasksByName(shop.machine), "merged"), "both tasks are merged", 100_000);
  const sentBack = promptsOf(shop.model).filter((prompt) => prompt.includes("greeting.txt"));
  assert.equal(sentBack.length, 1, "one agent was told, once");
  const { integrationBranch } = (await statusOf(shop.machine, contract)).contract;
  assert.ok((sentBack[0] ?? "").includes(integrationBranch));
  assert.deepEqual(treeOf(shop, integrationBranch), { ...FILES, "greeting.txt": "hello from both\n" });
  const titles = await notificationTitles(shop.machine);
  assert.ok(!titles.some((title) => title.startsWith("merge-")), titles.join("\n"));
});

it("a conflict that its agent does not resolve becomes a person's, and moves nothing", async () => {
  await using shop = await makeWorkshop({ files: FILES, turns: greeter("true") });
  const contract = await spawnBoth(shop);
  const tasks = await until(async () => {
    const all = await tasksByName(shop.machine);
    return [...all.values()].some(({ merge }) => merge === "conflict") && all;
  }, "a merge is given up");
  assert.deepEqual([...tasks.values()].map(({ merge }) => `${merge}`).toSorted(), ["conflict", "merged"]);
  const titles = await notificationTitles(shop.machine);
  assert.equal(titles.filter((title) => title.startsWith("merge-conflict")).length, 1, titles.join("\n"));
  const status = await statusOf(shop.machine, contract);
  assert.equal(status.unmerged.length, 1);
  assert.ok(status.suggestions.some(({ command }) => command.includes("supervisor merge")));
  assert.match(treeOf(shop, status.contract.integrationBranch)["greeting.txt"] ?? "", /^hello from (one|two)\n$/);
});

const RESOLVE = [
  "git merge --quiet \"$(git for-each-ref --format='%(refname)' 'refs/heads/makima/*/integration-*')\" || true",
  "printf 'hello from both\\n' >greeting.txt",
  "git add --all && git commit --quiet --message 'Greet from both'",
].join("\n");

/** Each task greets in the same file; who is sent back then does what `resolve` says. */
function greeter(resolve: string): (turn: Turn) => Step[] {
  return ({ prompt }) => {
    const name = /^Greet from (\w+)/.exec(prompt)?.[1];
    if (name === undefined) return [bash(resolve), claim("Resolved")];
    return [bash(`printf 'hello from ${name}\\n' >greeting.txt`), claim(`Greeted from ${name}`)];
  };
}

async function spawnBoth(shop: Workshop): Promise<string> {
  const fixed = ["--name", "Greetings", "--goal", "Greet", "--no-supervisor", "--autonomous-loop"];
  const made = await shop.makima("contract", "create", ...fixed, "--completion-action", "branch");
  assert.equal(made.code, 0, made.stderr);
  const { id } = await theContract(shop.machine);
  for (const name of ["one", "two"]) {
    const plan = `Greet from ${name}`;
    const { code, stderr } = await shop.makima("supervisor", "spawn", name, "--plan", plan, "--contract", id);
    assert.equal(code, 0, stderr);
  }
  return id;
}

function everyMerge(tasks: Awaited<ReturnType<typeof tasksByName>>, state: string): boolean {
  return tasks.size === 2 && [...tasks.values()].every(({ merge }) => merge === state);
}
