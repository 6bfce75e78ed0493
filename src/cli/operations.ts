import { errorFromBody } from "../client/client.ts";
import { MakimaError } from "../core/errors.ts";
import { shortId } from "../core/ids.ts";
import type { Fields } from "../protocol/api.ts";
import type { Operation, OperationKind, OperationResult } from "../protocol/operations.ts";
import type { Change } from "../protocol/subscriptions.ts";
import type { Connection } from "./connect.ts";
import type { Context } from "./context.ts";
import { waitForChange } from "./wait-for-change.ts";

type Requests = Fields<"startOperation">;

/** What is asked of a daemon; ids may be shortened. */
export type RequestOf<K extends OperationKind> = Extract<Requests, { kind: K }>;

/**
 * Has a daemon do something in a repository, and gives what it came to. `timeout` in ms; null: as long as it takes.
 * Throws what the operation failed with, `timed_out`, or `interrupted`: it goes on then.
 */
export async function runOperation<K extends OperationKind>(
  connection: Connection,
  context: Context,
  request: RequestOf<K>,
  timeout: number | null = null,
): Promise<OperationResult<K>> {
  const { operation, cursor } = await connection.call("startOperation", request);
  const outcome = outcomeOf<K>(await endOf(connection, context, { operation, cursor, timeout }));
  if (outcome instanceof MakimaError) throw outcome;
  return outcome;
}

/** What an operation of that kind has come to, or what it failed with. */
export function outcomeOf<K extends OperationKind>({ result, error }: Operation): OperationResult<K> | MakimaError {
  return error === null ? (result as OperationResult<K>) : errorFromBody(error);
}

export interface Pending {
  operation: Operation;
  /** Position of the change feed from which its end can be followed. */
  cursor: number;
  /** ms; null: as long as it takes. */
  timeout: number | null;
  /** What else ends the wait: the error that is thrown then. */
  giveUp?: (change: Change) => MakimaError | null;
}

/** An operation as it has ended, with its result. Throws `timed_out` or `interrupted`: it goes on then; or what `giveUp` says. */
export async function endOf(connection: Connection, context: Context, pending: Pending): Promise<Operation> {
  if (!hasEnded(pending.operation)) await untilEnded(connection, context, pending);
  // The change feed says that it is over, and leaves out what may be half a megabyte.
  const { operation } = await connection.call("getOperation", { id: pending.operation.id });
  return operation;
}

async function untilEnded(
  connection: Connection,
  context: Context,
  { operation: { id, kind, daemonId }, cursor, timeout, giveUp = () => null }: Pending,
): Promise<void> {
  context.output.progress(`Waiting for the daemon ${shortId(daemonId)}...`);
  const isEnd = (change: Change) => change.kind === "operation" && change.id === id && hasEnded(change.data);
  const heard = await waitForChange(context, connection, {
    cursor,
    timeout,
    hear: (change) => (isEnd(change) ? change : giveUp(change)),
    otherwise: `The operation ${kind} (${id}) goes on.`,
  });
  if (heard instanceof MakimaError) throw heard;
}

function hasEnded({ status }: Partial<Pick<Operation, "status">>): boolean {
  return status === "done" || status === "failed";
}
