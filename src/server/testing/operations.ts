import { OPERATION_RESULTS, OperationRequest } from "../../protocol/operations.ts";
import type { Operation, OperationOrder, OperationResult, OrderOf } from "../../protocol/operations.ts";
import type { Principal } from "../auth/keys.ts";
import { openCommands } from "../commands/commands.ts";
import type { Holder } from "../daemons/identity.ts";
import type { Store } from "../db/store.ts";
import { commandDone } from "../link/command-done.ts";
import type { CommandDone } from "../link/command-done.ts";
import { startOperation } from "../operations/start.ts";
import { silent } from "./basics.ts";
import { DAEMON, HOLDER } from "./run.ts";

const PERSON: Principal = { kind: "user", keyId: "k" };

/** Asks for an operation, by default as a person. */
export async function request(store: Store, body: object, principal: Principal = PERSON): Promise<Operation> {
  return store.write((tx) => startOperation(tx, principal, OperationRequest.parse(body)));
}

export interface GivenOrder {
  commandId: string;
  order: OperationOrder;
}

/** The operations that a daemon has yet to answer, in the order given. */
export async function givenOrders(store: Store, daemonId = DAEMON): Promise<GivenOrder[]> {
  const commands = await openCommands(store.db, daemonId, 0);
  return commands.flatMap(({ id, command }) =>
    Object.hasOwn(OPERATION_RESULTS, command.kind) ? [{ commandId: id, order: command as OperationOrder }] : [],
  );
}

/** The only one of them, of a kind. */
export async function givenOrder<K extends OperationOrder["kind"]>(
  store: Store,
  kind: K,
): Promise<{ commandId: string; order: OrderOf<K> }> {
  const [first, ...others] = await givenOrders(store);
  if (first?.order.kind !== kind || others.length > 0) throw new Error(`not one ${kind}: ${JSON.stringify(first)}`);
  return first as { commandId: string; order: OrderOf<K> };
}

/** Reports as the daemon; false where the connection does not speak for it. */
export async function report(
  store: Store,
  commandId: string,
  said: Partial<Pick<CommandDone, "result" | "error">>,
  holder: Holder = HOLDER,
): Promise<boolean> {
  const done = { type: "commandDone", id: commandId, result: null, error: null, ...said } as const;
  return store.write((tx) => commandDone(tx, holder, done, silent));
}

/** The only open merge ends so. */
export async function endMerge(store: Store, fields: Partial<OperationResult<"MergeBranch">>): Promise<void> {
  const { commandId, order } = await givenOrder(store, "MergeBranch");
  await report(store, commandId, { result: mergeResult(order, fields) });
}

export function mergeResult(
  { into }: OrderOf<"MergeBranch">,
  fields: Partial<OperationResult<"MergeBranch">> = {},
): OperationResult<"MergeBranch"> {
  const nothing = { conflicts: [], checks: [], output: "" };
  return { outcome: "merged", into, commit: "c".repeat(40), tree: "d".repeat(40), ...nothing, ...fields };
}

/** Ends of merges that were refused. */
export const CONFLICT: Partial<OperationResult<"MergeBranch">> = {
  outcome: "conflict",
  tree: null,
  conflicts: [{ path: "src/parser.ts", kind: "contents" }],
};
export const RED: Partial<OperationResult<"MergeBranch">> = {
  outcome: "checks-failed",
  checks: [
    {
      name: "npm test",
      command: "npm test",
      commandHash: "0",
      passed: false,
      exitCode: 1,
      timedOut: false,
      durationMs: 1,
      tests: null,
      stream: "",
      baseline: null,
      failure: null,
      flags: [],
    },
  ],
  output: "1 test fails",
};
