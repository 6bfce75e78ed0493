import type { Trouble } from "../../client/subscriber.ts";
import { ERRORS } from "../../core/errors.ts";
import type { Connection } from "../connect.ts";
import type { Context } from "../context.ts";
import { createSubscriber } from "../subscribe.ts";
import type { TaskList } from "../tasks/list.ts";
import { TaskBoard } from "./board.ts";
import { frameLines } from "./frame.ts";
import { Screen } from "./screen.ts";

export interface WatchOptions extends TaskList {
  all: boolean;
}

/** Shows the tasks as they change until somebody ends it, on a terminal or as documents; gives the exit code. */
export function watchTasks(context: Context, connection: Connection, options: WatchOptions): Promise<number> {
  const isWatched = context.stdout.isTTY === true && !context.output.json;
  return isWatched ? watchOnScreen(context, connection, options) : printChanges(context, connection, options);
}

async function watchOnScreen(context: Context, connection: Connection, options: WatchOptions): Promise<number> {
  const { output, stdin, stdout } = context;
  const board = new TaskBoard(options);
  const end = new AbortController();
  let code = 0;
  const interrupt = () => {
    code = ERRORS.interrupted.exit;
    end.abort();
  };
  let trouble: Trouble | null = null;
  using _signals = context.onSignals(["SIGINT", "SIGTERM", "SIGHUP"], interrupt);
  using screen = new Screen({
    stdin,
    stdout,
    frame: (rows) => frameLines({ tasks: board.tasks, trouble, now: Date.now(), rows, style: output.style }),
    onKey: (key) => (key === "quit" ? end.abort() : interrupt()),
  });
  const onTrouble = (now: Trouble | null) => {
    trouble = now;
    screen.changed();
  };
  await using subscriber = createSubscriber(connection, { onTrouble, giveUpAfter: Infinity });
  const signal = AbortSignal.any([end.signal, output.closed]);
  for await (const change of subscriber.changes({ from: options.cursor, follow: true, signal })) {
    if (board.apply(change) !== null) screen.changed();
  }
  return code;
}

/** `{"task": ...}` for each task, at first and whenever it changes; `{"trouble": ...}` whenever that changes. */
async function printChanges(context: Context, connection: Connection, options: WatchOptions): Promise<number> {
  const { output } = context;
  const board = new TaskBoard(options);
  // Waits for a slow reader, so that nothing piles up.
  const print = (document: unknown) => output.bytes(Buffer.from(`${JSON.stringify(document)}\n`));
  for (const task of board.tasks) await print({ task });
  const onTrouble = (trouble: Trouble | null) => void print({ trouble });
  await using subscriber = createSubscriber(connection, { onTrouble, giveUpAfter: Infinity });
  for await (const change of subscriber.changes({ from: options.cursor, follow: true, signal: output.closed })) {
    const task = board.apply(change);
    if (task !== null) await print({ task });
  }
  return 0;
}
