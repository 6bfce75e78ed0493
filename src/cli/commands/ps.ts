import { shortId } from "../../core/ids.ts";
import type { Task } from "../../protocol/api.ts";
import { CONNECTION_OPTIONS, defineCommand, flag } from "../command.ts";
import { connect } from "../connect.ts";
import type { Connection } from "../connect.ts";
import { clockTime, elapsed, inline, money, table } from "../format.ts";

export const psCommand = defineCommand({
  arguments: [],
  options: { all: flag("-a, --all", "Also those that have ended"), ...CONNECTION_OPTIONS },
  examples: [
    ["makima ps", "What is at work or waiting"],
    ["makima ps --all --json", "Everything, for a script"],
  ],
  async run(context, { options }) {
    const { output } = context;
    const connection = await connect(context, options);
    const tasks = await listTasks(connection, !options.all);
    output.document({ tasks });
    if (tasks.length === 0) output.line(options.all ? "There are no tasks yet." : "No task is at work.");
    else for (const line of table([HEADER, ...tasks.map((task) => row(task, Date.now()))])) output.line(line);
    return 0;
  },
});

async function listTasks(connection: Connection, live: boolean): Promise<Task[]> {
  const tasks: Task[] = [];
  let cursor: string | null = null;
  do {
    const page: { tasks: Task[]; next: string | null } = await connection.call("listTasks", {
      live: live ? "true" : "false",
      limit: 500,
      ...(cursor === null ? {} : { cursor }),
    });
    tasks.push(...page.tasks);
    cursor = page.next;
  } while (cursor !== null);
  return tasks;
}

const HEADER = ["TASK", "STATUS", "ITERATIONS", "COST", "AGE", "NAME"];

function row(task: Task, now: number): string[] {
  return [
    shortId(task.id),
    statusText(task, now),
    String(task.iterations),
    money(task.costUsd),
    elapsed(Math.max(0, now - task.createdAt)),
    inline(task.name),
  ];
}

function statusText({ status, unreachable, waitUntil }: Task, now: number): string {
  const until = status === "waiting" && waitUntil !== null ? ` until ${clockTime(waitUntil, now)}` : "";
  return `${status}${until}${unreachable ? " (daemon away)" : ""}`;
}
