import { MakimaError } from "../../core/errors.ts";
import { CONNECTION_OPTIONS, defineCommand, dollars, duration, flag, integer, labels, list, text } from "../command.ts";
import { connect, readConfig } from "../connect.ts";
import type { Context } from "../context.ts";
import { followToEnd } from "../follow/follow-to-end.ts";
import { leaveAlone } from "../follow/leave-alone.ts";
import { Stopper } from "../follow/stopper.ts";
import { count } from "../format.ts";
import { nameOf, readGoal } from "../run/goal.ts";
import { limitsOf } from "../run/limits.ts";
import { findWorkplace } from "../run/repository.ts";
import type { Workplace } from "../run/repository.ts";

const OPTIONS = {
  repo: text("--repo <dir>", "Repository to work in (default: the one of this directory)"),
  base: text("--base <ref>", "Commit, branch or tag to start from (default: HEAD)"),
  check: list("--check <command>", "Command that must exit 0 before a claim to be done is believed; repeatable"),
  loop: flag("--no-loop", "Run the agent once, and do not send it on"),
  maxIterations: integer("--max-iterations <n>", "Give up after so many iterations (default: 10)", 1, 10_000),
  budget: dollars("--budget <usd>", "Give up when the agent has cost more than this"),
  timeout: duration("--timeout <duration>", "Give up after this long, such as 90m or 8h"),
  agent: text("--agent <name>", "Agent of the configuration to use (default: what .makima.toml says, else claude)"),
  bubblewrap: flag("--bubblewrap", "Run the agent and the checks in a sandbox; where it cannot be had, the task fails"),
  name: text("--name <name>", "Name of the contract (default: the beginning of the goal)"),
  includeChanges: flag("--include-changes", "Take along what is changed and not committed in the repository"),
  baseline: flag("--no-baseline", "Do not run the checks before the work"),
  label: labels("--label <name=value>", "Work only on a daemon that offers this; repeatable"),
  merge: flag("--merge", "Merge the work, once it is proven, into the branch that it starts from"),
  detach: flag("--detach", "Return when the task is created, and let it go on"),
  ...CONNECTION_OPTIONS,
};

export const runCommand = defineCommand({
  details:
    "The agent works in its own worktree, on a branch of its own; your checkout stays as it is. It is started " +
    "again until it says that it is done and every check passes. Ctrl-C stops the task, and `makima resume` goes on with it. " +
    "With --merge a conflict, or a check that fails on the merged tree, goes back to the agent once; then it is yours, and your branch stays where it was.",
  arguments: [{ name: "goal", description: "What to achieve, in words; - reads stdin, @file a file", required: true }],
  options: OPTIONS,
  examples: [
    ['makima run "make the tests pass" --check "npm test"', "Work until `npm test` passes"],
    ["makima run @goal.md --budget 5 --timeout 2h", "Take the goal from a file, and set limits"],
    ['makima run "mend the build" --check "npm test" --merge', "Have the result in the branch that is checked out"],
    ['makima run "update the dependencies" --bubblewrap', "Let the agent write nowhere but in its checkout"],
    ['makima run "update the docs" --detach', "Let it work in the background"],
  ],
  async run(context, { arguments: [goalText = ""], options }) {
    const goal = await readGoal(goalText, context);
    const loaded = await readConfig(context, options);
    const place = await findWorkplace(context, { dir: options.repo, base: options.base, agent: options.agent });
    if (options.merge) requireBranch(place);
    warnOfChanges(context, place, options.includeChanges);

    const connection = await connect(context, options, loaded);
    const limits = limitsOf(loaded.config.loop, options);
    using stopper = options.detach ? null : new Stopper(context, connection);
    const { contract, task, cursor } = await connection.call("createContract", {
      name: options.name?.trim() || nameOf(goal),
      goal,
      repository: place.topLevel,
      base: place.baseCommit,
      ...(place.branch === null ? {} : { baseBranch: place.branch }),
      completionAction: options.merge ? "merge" : "none",
      includeChanges: options.includeChanges,
      agent: place.agent,
      checks: options.check,
      labels: options.label,
      settings: {
        autonomousLoop: options.loop,
        bubblewrap: options.bubblewrap,
        limits: {
          ...limits,
          budgetUsd: options.budget ?? limits.budgetUsd,
          baseline: limits.baseline && options.baseline,
        },
      },
    });
    if (stopper === null) return leaveAlone(context, contract, task);
    const landing = options.merge ? contract : null;
    return await followToEnd(context, connection, {
      task,
      stopper,
      cursor,
      timeout: options.timeout,
      told: null,
      landing,
    });
  },
});

function warnOfChanges({ output }: Context, { dirtyFiles }: Workplace, included: boolean): void {
  if (dirtyFiles === 0 || included) return;
  output.warning(`${count(dirtyFiles, "file")} with uncommitted changes will not be included`);
  output.error("hint: Take them along with --include-changes.");
}

/** Throws `repository_invalid` where there is no branch to merge into. */
function requireBranch({ topLevel, branch }: Workplace): void {
  if (branch !== null) return;
  throw new MakimaError(
    "repository_invalid",
    `No branch is checked out in ${topLevel}, so there is none to merge into`,
    {
      hint: "Check a branch out, or name one with --base.",
    },
  );
}
