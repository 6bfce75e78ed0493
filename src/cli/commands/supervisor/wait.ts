import { MakimaError } from "../../../core/errors.ts";
import type { Task } from "../../../protocol/api.ts";
import { CONNECTION_OPTIONS, defineCommand, duration, flag } from "../../command.ts";
import type { Input } from "../../command.ts";
import { connect } from "../../connect.ts";
import type { Connection } from "../../connect.ts";
import type { Context } from "../../context.ts";
import { count, inline } from "../../format.ts";
import { CONTRACT_OPTION, contractOf } from "../../supervisor/contract-option.ts";
import { TaskWatch } from "../../supervisor/wait-for-tasks.ts";
import type { Until } from "../../supervisor/wait-for-tasks.ts";
import { listTasks } from "../../tasks/list.ts";
import type { TaskList } from "../../tasks/list.ts";
import { taskTable } from "../../tasks/table.ts";
import { waitForChange } from "../../wait-for-change.ts";

const OPTIONS = {
  all: flag("--all", "All tasks of the contract but supervisors and the caller's own"),
  any: flag("--any", "Until one of them is over; without ids the first of those that are at work"),
  timeout: duration("--timeout <duration>", "Wait no longer than this, such as 90s or 30m"),
  ...CONTRACT_OPTION,
  ...CONNECTION_OPTIONS,
};

export const supervisorWaitCommand = defineCommand({
  details:
    "Blocks until the tasks have ended, and where they are merged by themselves until that is done, and prints what came " +
    "of each. Exit code 0: they are completed; 1: one failed, was cancelled, could not be merged, or comes after one that " +
    "did; 7: the time was over.",
  arguments: [
    {
      name: "task",
      description: "Ids of tasks, or their unambiguous beginnings or ends",
      required: false,
      variadic: true,
    },
  ],
  options: OPTIONS,
  examples: [
    ["makima supervisor wait 3f2a91bc 41e8d2c0", "Until both have ended"],
    ["makima supervisor wait --any --timeout 10m", "Until one of those at work has ended, but no longer than that"],
    ["makima supervisor wait --all", "Until nothing is at work any more"],
  ],
  async run(context, input) {
    const { output } = context;
    const target = targetOf(context, input);
    const connection = await connect(context, input.options);
    const { watch, cursor } = await target(connection);
    try {
      if (!watch.isOver) await waitUntilOver(context, connection, { watch, cursor, timeout: input.options.timeout });
    } finally {
      const { tasks } = watch;
      output.document({ tasks });
      if (tasks.length === 0) output.line("There is no task to wait for.");
      else for (const line of taskTable(tasks, Date.now())) output.line(line);
    }
    return watch.failed.length === 0 ? 0 : 1;
  },
});

interface Watching {
  watch: TaskWatch;
  cursor: number;
}

type Target = (connection: Connection) => Promise<Watching>;

/** What is waited for; throws `usage` before anybody is asked. */
function targetOf(context: Context, { arguments: given, options }: Input<typeof OPTIONS>): Target {
  const ids = given.filter((id) => id !== undefined);
  const until = options.any ? "any" : "all";
  if (ids.length > 0 && options.all) throw unclear("Ids and --all exclude each other");
  if (options.all && options.any) throw unclear("--all and --any exclude each other");
  if (ids.length > 0) return (connection) => named(connection, ids, until);
  if (!options.all && !options.any) throw unclear("No task is named");
  const contract = contractOf(context, options);
  return (connection) => ofContract(connection, { contract, until, caller: context.env["MAKIMA_TASK_ID"] });
}

function unclear(message: string): MakimaError {
  return new MakimaError("usage", message, { hint: "Give ids of tasks, or --all, or --any." });
}

async function named(connection: Connection, given: string[], until: Until): Promise<Watching> {
  const details = await Promise.all(given.map((id) => connection.call("getTask", { id })));
  const ids = new Set(details.map(({ task }) => task.id));
  const contracts = new Set(details.map(({ task }) => task.contractId));
  const lists = await Promise.all([...contracts].map((contract) => tasksOf(connection, contract)));
  const known = lists.flatMap(({ tasks }) => tasks);
  const cursor = Math.min(...lists.map((list) => list.cursor));
  return { watch: new TaskWatch({ known, wanted: ({ id }) => ids.has(id), until }), cursor };
}

interface OfContract {
  contract: string;
  until: Until;
  /** The task that asks: it would wait for itself. */
  caller: string | undefined;
}

async function ofContract(connection: Connection, { contract, until, caller }: OfContract): Promise<Watching> {
  const { tasks: known, cursor } = await tasksOf(connection, contract);
  const isWorker = ({ id, role }: Task) => role === "worker" && id !== caller;
  const watch = new TaskWatch({ known, wanted: isWorker, until });
  if (until === "all") return { watch, cursor };
  const atWork = new Set(watch.open.map(({ id }) => id));
  if (atWork.size === 0) {
    throw new MakimaError("conflict", "No task of the contract is at work", {
      hint: "`makima supervisor tasks` lists what became of them; `makima supervisor spawn` starts another.",
    });
  }
  return { watch: new TaskWatch({ known, wanted: ({ id }) => atWork.has(id), until }), cursor };
}

/** In the order in which they were spawned. */
async function tasksOf(connection: Connection, contract: string): Promise<TaskList> {
  const { tasks, cursor } = await listTasks(connection, { live: false, contract });
  return { tasks: tasks.toReversed(), cursor };
}

interface Waiting extends Watching {
  timeout: number | null;
}

async function waitUntilOver(
  context: Context,
  connection: Connection,
  { watch, cursor, timeout }: Waiting,
): Promise<void> {
  const { output } = context;
  output.progress(`Waiting for ${count(watch.tasks.length, "task")}...`);
  await waitForChange(context, connection, {
    cursor,
    timeout,
    hear: (change) => {
      const ended = watch.apply(change);
      if (ended !== null) output.progress(`${inline(ended.name)}: ${ended.merge ?? ended.status}`);
      return watch.isOver ? true : null;
    },
    otherwise: "The tasks go on; `makima supervisor wait` can be repeated.",
  });
}
