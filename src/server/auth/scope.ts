import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import { MakimaError } from "../../core/errors.ts";
import type { Db } from "../db/store.ts";
import { isFullId, resolveAmong, resolveId } from "../ids.ts";
import type { NamedTable } from "../ids.ts";
import type { AgentPrincipal, Principal } from "./keys.ts";

/** The task's agent that makes a request, a supervisor's among them; null: a person or a daemon makes it. */
export function agentOf(principal: Principal): AgentPrincipal | null {
  return principal.kind === "task" || principal.kind === "supervisor" ? principal : null;
}

/** The contract that a key is confined to; null where it is not. */
export function ownContract(principal: Principal): string | null {
  return agentOf(principal)?.contractId ?? null;
}

/** Throws `forbidden` when a task's key asks for something of another contract, or of none. */
function requireOwn(principal: Principal, contractId: string | null): void {
  const own = ownContract(principal);
  if (own !== null && own !== contractId) {
    throw new MakimaError("forbidden", "A task's key is for its own contract only");
  }
}

/** What belongs to a contract. */
export type OwnedTable = Extract<NamedTable, "contracts" | "tasks" | "runs" | "questions" | "operations">;

/**
 * The full id that `given` stands for, of something that the key may touch. What a task's key shortens is looked for in
 * its own contract alone, so that nothing else that there is makes it ambiguous, or shows itself by that. Throws
 * `not_found`, `ambiguous`, or `forbidden` for the full id of something of another contract.
 */
export async function resolveOwn(db: Db, principal: Principal, table: OwnedTable, given: string): Promise<string> {
  const own = ownContract(principal);
  if (own === null) return resolveId(db, table, given);
  if (!isFullId(given)) {
    return resolveAmong(db, sql`(select id from ${OWNED[table]} as owned where contract_id = ${own})`, table, given);
  }
  const id = await resolveId(db, table, given);
  const rows = sql<{ id: string; contract_id: string | null }>`${OWNED[table]}`.as("owned");
  const { contract_id } = await db
    .selectFrom(rows)
    .select("contract_id")
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  requireOwn(principal, contract_id);
  return id;
}

/** The contract whose things a list shows: the one that was asked for, or the key's own; null: those of all. */
export async function listedContract(db: Db, principal: Principal, given: string | undefined): Promise<string | null> {
  return given === undefined ? ownContract(principal) : resolveOwn(db, principal, "contracts", given);
}

/** The rows of each table with `id` and `contract_id`; each is found by its contract through an index. */
const OWNED: { readonly [T in OwnedTable]: RawBuilder<unknown> } = {
  contracts: sql`(select id, id as contract_id from contracts)`,
  tasks: sql`tasks`,
  runs: sql`(select runs.id, tasks.contract_id from runs join tasks on tasks.id = runs.task_id)`,
  questions: sql`questions`,
  operations: sql`operations`,
};
