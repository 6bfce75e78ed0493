import { MakimaError } from "../../core/errors.ts";
import type { Operation, OperationRequest } from "../../protocol/operations.ts";
import { READING } from "../../protocol/operations.ts";
import type { Principal } from "../auth/keys.ts";
import { agentOf, resolveOwn } from "../auth/scope.ts";
import type { Db, Write } from "../db/store.ts";
import { resolveId } from "../ids.ts";
import { chooseDaemon, requireOnline } from "./daemon.ts";
import { contractFacts, taskFacts } from "./facts.ts";
import { addOperation } from "./give.ts";
import { orderFor } from "./orders.ts";
import type { ContractRequest, Subject } from "./orders.ts";
import { getOperation } from "./rows.ts";
import { worktreeOrder } from "./worktree-orders.ts";
import type { DaemonRequest } from "./worktree-orders.ts";

/** Of one contract, or about one daemon, by everybody together: a loop that starts them without end is told so. */
const MOST_LIVE = 20;

/**
 * Has a daemon do what is asked for, as soon as nothing of the same queue is before it. Throws what orderFor,
 * worktreeOrder and chooseDaemon throw, `not_found`, `ambiguous` or `forbidden` for what it is about, and `conflict` for a
 * deleted contract and for too many at once.
 */
export async function startOperation(tx: Write, principal: Principal, request: OperationRequest): Promise<Operation> {
  const start = "daemon" in request ? startOnDaemon(tx, principal, request) : startInContract(tx, principal, request);
  return getOperation(tx.db, await start);
}

/** What a machine holds is of all contracts, so no agent asks for it. */
async function startOnDaemon(tx: Write, principal: Principal, request: DaemonRequest): Promise<string> {
  if (agentOf(principal) !== null)
    throw new MakimaError("forbidden", "A task's key cannot look after a daemon's worktrees");
  const daemonId = await requireOnline(tx.db, await resolveId(tx.db, "daemons", request.daemon));
  await requireRoom(tx.db, { contractId: null, daemonId });
  const order = await worktreeOrder(tx.db, daemonId, request);
  return addOperation(tx, { contractId: null, taskId: null, daemonId, origin: "person", order });
}

async function startInContract(tx: Write, principal: Principal, request: ContractRequest): Promise<string> {
  const subject = await subjectOf(tx.db, principal, request);
  const { contract, task, person } = subject;
  requireAllowed(principal, request, task?.id ?? null);
  if (contract.status === "deleted") throw new MakimaError("conflict", "The contract was deleted");
  await requireRoom(tx.db, { contractId: contract.id });
  const order = await orderFor(tx.db, subject, request);
  return addOperation(tx, {
    contractId: contract.id,
    taskId: task?.id ?? null,
    daemonId: await chooseDaemon(tx.db, contract.id, task),
    origin: person ? "person" : "agent",
    order,
  });
}

async function subjectOf(db: Db, principal: Principal, request: ContractRequest): Promise<Subject> {
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
function requireAllowed(principal: Principal, { kind }: ContractRequest, taskId: string | null): void {
  if (principal.kind !== "task" || READING.has(kind)) return;
  const own = principal.taskId === taskId && (kind === "CreateCheckpoint" || kind === "RestoreCheckpoint");
  if (!own) throw new MakimaError("forbidden", `A task's key can only look, and keep checkpoints of its own task`);
}

/** What both are about. */
type Scope = { contractId: string } | { contractId: null; daemonId: string };

async function requireRoom(db: Db, scope: Scope): Promise<void> {
  const open = db
    .selectFrom("operations")
    .select((eb) => eb.fn.countAll<number>().as("live"))
    .where("ended_at", "is", null);
  const own =
    scope.contractId === null
      ? open.where("daemon_id", "=", scope.daemonId).where("contract_id", "is", null)
      : open.where("contract_id", "=", scope.contractId);
  const { live } = await own.executeTakeFirstOrThrow();
  if (live < MOST_LIVE) return;
  const whose = scope.contractId === null ? "about the daemon" : "of the contract";
  throw new MakimaError("conflict", `${live} operations ${whose} are under way`, {
    hint: "Wait until some of them have ended.",
  });
}
