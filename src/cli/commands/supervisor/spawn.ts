import { resolve } from "node:path";
import { MakimaError } from "../../../core/errors.ts";
import { shortId } from "../../../core/ids.ts";
import type { Fields } from "../../../protocol/api.ts";
import { MAX_GOAL } from "../../../protocol/routes.ts";
import { CONNECTION_OPTIONS, defineCommand, dollars, duration, integer, labels, list, text } from "../../command.ts";
import type { Input } from "../../command.ts";
import { connect } from "../../connect.ts";
import { readText } from "../../read-text.ts";
import type { TextKind } from "../../read-text.ts";
import { CONTRACT_OPTION, contractOf } from "../../supervisor/contract-option.ts";

const PLAN: TextKind = {
  name: "plan",
  max: MAX_GOAL,
  code: "usage",
  tooLong: "Put the details into a file of the repository or the contract, and let the plan point at it.",
};

const OPTIONS = {
  plan: text("--plan <text>", "What the task has to achieve, and how; - reads stdin, @file a file. Required"),
  ...CONTRACT_OPTION,
  parent: text("--parent <task>", "Task to list it under (default: within a task, that one)"),
  after: list("--after <task>", "Task that must be completed, and merged if it is to be, before; repeatable"),
  base: text("--base <ref>", "Branch, tag or commit to start from (default: the integration branch as it is then)"),
  repo: text("--repo <dir>", "Repository of the contract to work in (default: its first)"),
  agent: text("--agent <name>", "Agent of the configuration to use (default: the contract's)"),
  check: list(
    "--check <command>",
    "Command that must exit 0 before it counts as done; repeatable (default: the contract's)",
  ),
  label: labels("--label <name=value>", "Work only on a daemon that offers this; repeatable (default: the contract's)"),
  maxIterations: integer(
    "--max-iterations <n>",
    "Give up after so many iterations (default: the contract's)",
    1,
    10_000,
  ),
  budget: dollars("--budget <usd>", "Give up when the agent has cost more than this (default: the contract's)"),
  timeout: duration("--timeout <duration>", "Give up after this long, such as 90m (default: the contract's)"),
  ...CONNECTION_OPTIONS,
};

export const supervisorSpawnCommand = defineCommand({
  details: "Prints the new task's id first. The task starts when what it comes after is done and a daemon has room.",
  arguments: [{ name: "name", description: "Name of the task: a few words", required: true }],
  options: OPTIONS,
  examples: [
    ['makima supervisor spawn "Parser" --plan "Accept ISO weeks in parse()"', "A task of the same contract"],
    ['makima supervisor spawn "Docs" --plan @docs.md --after 41e8d2c0', "One that starts when another is done"],
    [
      'makima supervisor spawn "Port" --plan - --check "make test" --label os=mac',
      "With checks and a daemon of its own",
    ],
  ],
  async run(context, { arguments: [name = ""], options }) {
    const { output } = context;
    if (options.plan === null) {
      throw new MakimaError("usage", "There is no plan for the task", {
        hint: 'Say what it has to achieve: makima supervisor spawn NAME --plan "..."',
      });
    }
    const contract = contractOf(context, options);
    const goal = await readText(options.plan, PLAN, context);
    const { call } = await connect(context, options);
    const { task } = await call("createTask", { id: contract, name, goal, ...fieldsOf(options, context.cwd) });
    output.line(task.id);
    output.line(`  makima supervisor wait ${shortId(task.id)}`);
    output.line(`  makima supervisor output ${shortId(task.id)} --text -f`);
    output.document({ task });
    return 0;
  },
});

/** What is not given is as the contract has it. */
function fieldsOf(options: Input<typeof OPTIONS>["options"], cwd: string): Partial<Fields<"createTask">> {
  const { parent, after, base, repo, agent, check, label, maxIterations, budget, timeout } = options;
  const limits = {
    ...(maxIterations === null ? {} : { maxIterations }),
    ...(budget === null ? {} : { budgetUsd: budget }),
    ...(timeout === null ? {} : { wallClockMs: timeout }),
  };
  return {
    after,
    limits,
    ...(parent === null ? {} : { parent }),
    ...(base === null ? {} : { base }),
    ...(repo === null ? {} : { repository: resolve(cwd, repo) }),
    ...(agent === null ? {} : { agent }),
    ...(check.length === 0 ? {} : { checks: check }),
    ...(Object.keys(label).length === 0 ? {} : { labels: label }),
  };
}
