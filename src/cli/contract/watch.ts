import { CONTRACT, isTerminal } from "../../core/task-state.ts";
import type { Contract } from "../../protocol/api.ts";
import type { Connection } from "../connect.ts";
import type { Context } from "../context.ts";
import { landingOfContract } from "../follow/landing.ts";
import { clockTime } from "../format.ts";
import { createSubscriber, tellTrouble } from "../subscribe.ts";
import { ContractStory } from "./story.ts";

/** A contract, and the position of the change feed at which it was like that. */
export interface WatchOptions {
  contract: Contract;
  cursor: number;
}

/**
 * Tells what happens in a contract until that has ended and its work is where it is to go; with `--json` each change is a
 * document. Gives the exit code.
 */
export async function watchContract(
  context: Context,
  connection: Connection,
  { contract, cursor }: WatchOptions,
): Promise<number> {
  const { output } = context;
  const { tasks } = await connection.call("getContract", { id: contract.id });
  const story = new ContractStory(contract, tasks, output.style);
  let reached = cursor;
  if (!isTerminal(CONTRACT, contract.status)) {
    await using subscriber = createSubscriber(connection, { onTrouble: tellTrouble(output) });
    for await (const change of subscriber.changes({ from: cursor, follow: true, signal: output.closed })) {
      reached = change.seq;
      if (!story.concerns(change)) continue;
      output.document({ [change.kind]: change.data });
      const time = output.style("dim", clockTime(change.at, Date.now()));
      for (const line of story.apply(change)) output.line(`${time}  ${line}`);
      if (isTerminal(CONTRACT, story.contract.status)) break;
    }
  }
  if (output.closed.aborted) return 0;
  return tellLanding(context, connection, { contract: { ...contract, ...story.contract }, cursor: reached });
}

async function tellLanding(context: Context, connection: Connection, ended: WatchOptions): Promise<number> {
  const { output } = context;
  if (ended.contract.status !== "completed") return 1;
  const landing = await landingOfContract(context, connection, ended);
  if (landing === null) return 0;
  output.document({ landing: landing.document });
  for (const line of landing.lines) output.line(line);
  if (landing.failure !== null) throw landing.failure;
  return landing.landed ? 0 : 1;
}
