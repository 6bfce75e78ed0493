import { resolve } from "node:path";
import type { LoopConfig } from "../../platform/config/config.ts";
import { createGit } from "../../platform/git/git.ts";
import type { Git } from "../../platform/git/git.ts";
import { inspectRepository } from "../../platform/git/repository.ts";
import type { Repository } from "../../platform/git/repository.ts";
import { CONNECTION_OPTIONS, defineCommand, dollars, duration, flag, integer, labels, list, text } from "../command.ts";
import { connect, readConfig } from "../connect.ts";
import type { Context } from "../context.ts";
import { followToEnd } from "../follow/follow-to-end.ts";
import { leaveAlone } from "../follow/leave-alone.ts";
import { count } from "../format.ts";
import { readGoal } from "../run/goal.ts";

const options = {
  repo: text("--repo <dir>", "Repository to work in (default: the one of this directory)"),
  base: text("--base <ref>", "Commit, branch or tag to start from (default: HEAD)"),
  check: list("--check <command>", "Command that must exit 0 before a claim to be done is believed; repeatable"),
  loop: flag("--no-loop", "Run the agent once, and do not send it on"),
  maxIterations: integer("--max-iterations <n>", "Give up after so many iterations (default: 10)", 1, 10_000),
  budget: dollars("--budget <usd>", "Give up when the agent has cost more than this"),
  timeout: duration("--timeout <duration>", "Give up after this long, such as 90m or 8h"),
  agent: text("--agent <name>", "Agent of the configuration to use (default: what .makima.toml says, else claude)"),
  name: text("--name <name>", "Name of the contract (default: the beginning of the goal)"),
  includeChanges: flag("--include-changes", "Take along what is changed and not committed in the repository"),
  baseline: flag("--no-baseline", "Do not run the checks before the work"),
  label: labels("--label <name=value>", "Work only on a daemon that offers this; repeatable"),
  detach: flag("--detach", "Return when the task is created, and let it go on"),
  ...CONNECTION_OPTIONS,
};

export const runCommand = defineCommand({
  details:
    "The agent works in its own worktree, on a branch of its own; your checkout stays as it is. It is started " +
    "again until it says that it is done and every check passes. Ctrl-C stops the task, and `makima resume` goes on with it.",
  arguments: [{ name: "goal", description: "What to achieve, in words; - reads stdin, @file a file", required: true }],
  options,
  examples: [
    ['makima run "make the tests pass" --check "npm test"', "Work until `npm test` passes"],
    ["makima run @goal.md --budget 5 --timeout 2h", "Take the goal from a file, and set limits"],
    ['makima run "update the docs" --detach', "Let it work in the background"],
  ],
  async run(context, input) {
    const goal = await readGoal(input.arguments[0] ?? "", context);
    const loaded = await readConfig(context, input.options);
    const git = createGit(context.env);
    const repository = await inspect(git, context, input.options);
    const agent = input.options.agent ?? (await repositoryAgent(git, repository)) ?? "claude";
    warnOfChanges(context, repository, input.options.includeChanges);

    const connection = await connect(context, input.options, loaded);
    const { contract, task, cursor } = await connection.call("createContract", {
      name: input.options.name?.trim() || nameOf(goal),
      goal,
      repository: repository.topLevel,
      base: repository.baseCommit,
      includeChanges: input.options.includeChanges,
      agent,
      checks: input.options.check,
      labels: input.options.label,
      settings: { autonomousLoop: input.options.loop, limits: limitsOf(loaded.config.loop, input.options) },
    });
    if (input.options.detach) return leaveAlone(context, contract, task);
    return followToEnd(context, connection, { task, cursor, timeout: input.options.timeout, told: null });
  },
});

async function inspect(git: Git, { cwd }: Context, { repo, base }: { repo: string | null; base: string | null }) {
  return inspectRepository(git, resolve(cwd, repo ?? "."), base ?? undefined);
}

/** The agent that the repository asks for at the base; which program that is, the person's configuration says. */
async function repositoryAgent(git: Git, { topLevel, baseCommit }: Repository): Promise<string | null> {
  const { readRepositoryConfig } = await import("../../platform/config/repository.ts");
  return (await readRepositoryConfig(git, topLevel, baseCommit)).agent;
}

function warnOfChanges({ output }: Context, { dirtyFiles }: Repository, included: boolean): void {
  if (dirtyFiles === 0 || included) return;
  output.warning(`${count(dirtyFiles, "file")} with uncommitted changes will not be included`);
  output.error("hint: Take them along with --include-changes.");
}

function nameOf(goal: string): string {
  const line = goal.split("\n", 1)[0] ?? goal;
  const characters = Array.from(line.slice(0, 2 * MAX_NAME));
  return characters.length > MAX_NAME ? `${characters.slice(0, MAX_NAME - 1).join("")}…` : line.trim();
}

const MAX_NAME = 80;

interface LimitFlags {
  maxIterations: number | null;
  budget: number | null;
  timeout: number | null;
  baseline: boolean;
}

function limitsOf(configured: LoopConfig, { maxIterations, budget, timeout, baseline }: LimitFlags): LoopConfig {
  return {
    ...configured,
    maxIterations: maxIterations ?? configured.maxIterations,
    budgetUsd: budget ?? configured.budgetUsd,
    wallClockMs: timeout ?? configured.wallClockMs,
    baseline: configured.baseline && baseline,
  };
}
