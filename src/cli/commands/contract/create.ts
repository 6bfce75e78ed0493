import { shortId } from "../../../core/ids.ts";
import { CONTRACT_TYPES } from "../../../core/phases.ts";
import { templatesDirectory } from "../../../platform/config/paths.ts";
import type { Contract, ContractFile, Fields, Task } from "../../../protocol/api.ts";
import {
  choice,
  CONNECTION_OPTIONS,
  defineCommand,
  dollars,
  duration,
  flag,
  integer,
  labels,
  list,
  text,
} from "../../command.ts";
import { connect, readConfig } from "../../connect.ts";
import type { Connection } from "../../connect.ts";
import type { Context } from "../../context.ts";
import { COMPLETION_ACTIONS } from "../../contract/completion-actions.ts";
import { contractRequest } from "../../contract/request.ts";
import type { Template } from "../../contract/template-file.ts";
import { findTemplate } from "../../contract/templates.ts";
import { inline } from "../../format.ts";

const options = {
  type: choice("--type <type>", "Which phases it goes through (default: simple)", CONTRACT_TYPES),
  name: text("--name <name>", "Its name (default: the beginning of the goal)"),
  goal: text("--goal <text>", "What to achieve, in words; - reads stdin, @file a file"),
  item: list("--item <text>", "Entry of the checklist of goals; repeatable"),
  repo: list(
    "--repo <dir>",
    "Repository to work in (default: the one of this directory); repeatable, the first is the main one",
  ),
  base: text("--base <ref>", "Commit, branch or tag of the main one to start from (default: HEAD)"),
  autonomousLoop: flag("--autonomous-loop", "Send agents on until they are done and every check passes"),
  check: list("--check <command>", "Command that must exit 0 before a claim to be done is believed; repeatable"),
  budget: dollars("--budget <usd>", "Pause it when all of its tasks together have cost this much"),
  maxParallel: integer("--max-parallel <n>", "Most of its tasks at work at the same time", 1, 10_000),
  agent: text("--agent <name>", "Agent of the configuration to use (default: what .makima.toml says, else claude)"),
  bubblewrap: flag("--bubblewrap", "Run its agents and checks in a sandbox; where it cannot be had, the task fails"),
  label: labels("--label <name=value>", "Work only on daemons that offer this; repeatable"),
  supervisor: flag("--no-supervisor", "Drive it yourself, without an agent that spawns and merges its tasks"),
  completionAction: choice(
    "--completion-action <action>",
    "What becomes of finished work (default: none)",
    COMPLETION_ACTIONS,
  ),
  maxIterations: integer("--max-iterations <n>", "Let a task fail after so many iterations (default: 10)", 1, 10_000),
  timeout: duration("--timeout <duration>", "Let a task fail after this long, such as 90m or 8h"),
  template: text("--template <name|file>", "Take what is not given here from a template"),
  ...CONNECTION_OPTIONS,
};

export const contractCreateCommand = defineCommand({
  details:
    "A supervising agent plans it, spawns its tasks, waits for them, reviews and merges; without one you do that yourself " +
    "with `makima supervisor`. Returns at once. Templates are TOML files in the directory templates beside the " +
    "configuration file; feature, bugfix and specification are always there.",
  arguments: [],
  options,
  examples: [
    [
      'makima contract create --goal @goal.md --check "npm test" --autonomous-loop --budget 20',
      "Let a supervisor see to it",
    ],
    [
      'makima contract create --template bugfix --goal "Dates before 1970 are off by a day"',
      "With a ready-made checklist",
    ],
    [
      'makima contract create --type specification --name Billing --goal "Bill by the day" --no-supervisor',
      "Go through the phases yourself",
    ],
  ],
  async run(context, input) {
    const loaded = await readConfig(context, input.options);
    const { template: named, supervisor } = input.options;
    const directory = templatesDirectory(context.env, loaded.file);
    const template = named === null ? {} : await findTemplate(named, { cwd: context.cwd, directory });
    const { loop } = loaded.config;
    const request = await contractRequest(context, { flags: input.options, template, loop });
    const connection = await connect(context, input.options, loaded);
    const isSupervised = supervisor && template.supervisor !== false;
    const { contract, task } = await create(connection, request, isSupervised);
    const files = await writeFiles(connection, contract, template);
    tell(context, contract, task);
    context.output.document({ contract, task, files });
    return 0;
  },
});

async function create(
  { call }: Connection,
  request: Fields<"openContract">,
  isSupervised: boolean,
): Promise<{ contract: Contract; task: Task | null }> {
  if (isSupervised) return call("createContract", { ...request, supervisor: true });
  return { ...(await call("openContract", request)), task: null };
}

async function writeFiles({ call }: Connection, { id }: Contract, { files = {} }: Template): Promise<ContractFile[]> {
  const written: ContractFile[] = [];
  for (const [name, { title, content }] of Object.entries(files)) {
    const { file } = await call("createFile", { id, name, content, ...(title === undefined ? {} : { title }) });
    written.push(file);
  }
  return written;
}

function tell({ output }: Context, { id, name, type, phase }: Contract, task: Task | null): void {
  const short = shortId(id);
  const driven = task === null ? "" : `; its supervisor is task ${shortId(task.id)}`;
  output.line(`Created ${inline(name)} (${id}): ${type}, in the phase ${phase}${driven}.`);
  const commands =
    task === null
      ? [`makima contract suggest-action ${short}`, `makima supervisor spawn NAME --plan TEXT --contract ${short}`]
      : [`makima contract status ${short} --watch`, `makima logs -f ${shortId(task.id)}`];
  for (const command of commands) output.line(`  ${command}`);
}
