import { MakimaError } from "../../core/errors.ts";
import type { Operation, OperationRequest } from "../../protocol/operations.ts";
import { READING } from "../../protocol/operations.ts";
import type { Principal } from "../auth/keys.ts";
import { agentOf, resolveOwn } from "../auth/scope.ts";
import type { Db, Write } from "../db/store.ts";
import { chooseDaemon } from "./daemon.ts";
import { contractFacts, taskFacts } from "./facts.ts";
import { addOperation } from "./give.ts";
import { orderFor } from "./orders.ts";
import type { Subject } from "./orders.ts";
import { getOperation } from "./rows.ts";

/** Of one contract, by everybody together: a loop that starts them without end is told so. */
const MOST_LIVE = 20;

/**
 * Has a daemon do what is asked for, as soon as nothing of the same queue is before it. Throws what orderFor and
 * chooseDaemon throw, `not_found`, `ambiguous` or `forbidden` for what it is about, and `conflict` for a deleted contract
 * and for too many at once.
 */
export async function startOperation(tx: Write, principal: Principal, request: OperationRequest): Promise<Operation> {
  const subject = await subjectOf(tx.db, principal, request);
  const { contract, task, person } = subject;
  requireAllowed(principal, request, task?.id ?? null);
  if (contract.status === "deleted") throw new MakimaError("conflict", "The contract was deleted");
  await requireRoom(tx.db, contract.id);
  const order = await orderFor(tx.db, subject, request);
  const id = await addOperation(tx, {
    contractId: contract.id,
    taskId: task?.id ?? null,
    daemonId: await chooseDaemon(tx.db, contract.id, task),
    origin: person ? "person" : "agent",
    order,
  });
  return getOperation(tx.db, id);
}

async function subjectOf(db: Db, principal: Principal, request: OperationRequest): Promise<Subject> {
  const named: { task?: string | undefined; contract?: string | undefined } = request;
  const person = agentOf(principal) === null;
  if ((named.task === undefined) === (named.contract === undefined)) {
    throw new MakimaError("invalid_request", "Exactly one is needed of: task, contract");
  }
  if (named.task !== undefined) {
    const task = await taskFacts(db, await resolveOwn(db, principal, "tasks", named.task));
    return { contract: await contractFacts(db, task.contractId), task, person };
  }
  const id = await resolveOwn(db, principal, "contracts", named.contract ?? "");
  return { contract: await contractFacts(db, id), task: null, person };
}

/** What a worker's agent may do: look at everything in its contract, and keep and restore the state of its own task. */
function requireAllowed(principal: Principal, { kind }: OperationRequest, taskId: string | null): void {
  if (principal.kind !== "task" || READING.has(kind)) return;
  const own = principal.taskId === taskId && (kind === "CreateCheckpoint" || kind === "RestoreCheckpoint");
  if (!own) throw new MakimaError("forbidden", `A task's key can only look, and keep checkpoints of its own task`);
}

async function requireRoom(db: Db, contractId: string): Promise<void> {
  const { live } = await db
    .selectFrom("operations")
    .select((eb) => eb.fn.countAll<number>().as("live"))
    .where("contract_id", "=", contractId)
    .where("ended_at", "is", null)
    .executeTakeFirstOrThrow();
  if (live < MOST_LIVE) return;
  throw new MakimaError("conflict", `${live} operations of the contract are under way`, {
    hint: "Wait until some of them have ended.",
  });
}
