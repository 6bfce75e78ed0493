import type { CompletionAction, Contract, Repository, Task } from "../../protocol/api.ts";
import type { OrderOf } from "../../protocol/operations.ts";
import { fromJson, fromNullableJson } from "../db/json.ts";
import type { Db } from "../db/store.ts";
import { settingsOf } from "../tasks/settings.ts";

export type MergeCheck = OrderOf<"MergeBranch">["checks"][number];

/** What orders are made of, of a contract. */
export interface ContractFacts {
  id: string;
  name: string;
  status: Contract["status"];
  completionAction: CompletionAction;
  /** Empty for a contract of an earlier version of makima. */
  integrationBranch: string;
  /** The first is the one that its tasks work in by default; none where an earlier version did not note it. */
  repositories: readonly Repository[];
  checks: readonly MergeCheck[];
  /** Whether these run in a sandbox, whatever the daemon is configured to. */
  bubblewrap: boolean;
}

/** The same of a task. */
export interface TaskFacts {
  id: string;
  contractId: string;
  name: string;
  role: Task["role"];
  status: Task["status"];
  repository: string;
  base: string;
  branch: string;
  /** Whether its checks run in a sandbox, whatever its daemon is configured to. */
  bubblewrap: boolean;
  /** Everything that its agent's claim was, or would be, checked with. */
  checks: readonly MergeCheck[];
  /** The latest; null: there was none. */
  run: { id: string; daemonId: string; head: string | null; branchKept: boolean; verifiedTree: string | null } | null;
}

export async function contractFacts(db: Db, id: string): Promise<ContractFacts> {
  const row = await db
    .selectFrom("contracts")
    .select(["id", "name", "status", "completion_action", "integration_branch", "repositories", "defaults"])
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  const defaults = fromNullableJson(row.defaults);
  const noted = fromJson(row.repositories);
  const first = defaults === null ? [] : [{ path: defaults.repository, base: defaults.base, branch: null }];
  return {
    id,
    name: row.name,
    status: row.status,
    completionAction: row.completion_action,
    integrationBranch: row.integration_branch,
    repositories: noted.length > 0 ? noted : first,
    checks: defaults === null ? [] : checksOf(defaults.checks, defaults.settings.limits.checkTimeoutMs),
    bubblewrap: defaults?.settings.bubblewrap ?? false,
  };
}

export async function taskFacts(db: Db, id: string): Promise<TaskFacts> {
  const row = await db
    .selectFrom("tasks")
    .leftJoin("runs", "runs.id", "tasks.run_id")
    .selectAll("tasks")
    .select(["runs.daemon_id", "runs.head", "runs.branch_kept", "runs.verified_tree", "runs.checks as reported"])
    .where("tasks.id", "=", id)
    .executeTakeFirstOrThrow();
  const { limits, bubblewrap } = settingsOf(row);
  const { checkTimeoutMs } = limits;
  // Those of the repository's own file are known once they were run.
  const reported = (fromNullableJson(row.reported) ?? []).map(({ name, command }) => ({ name, command }));
  const given = checksOf(fromJson(row.checks), checkTimeoutMs);
  const further = reported.filter(({ command }) => given.every((check) => check.command !== command));
  return {
    id,
    contractId: row.contract_id,
    name: row.name,
    role: row.role,
    status: row.status,
    repository: row.repository,
    base: row.base,
    branch: row.branch,
    bubblewrap,
    checks: [...given, ...further.map((check) => ({ ...check, timeoutMs: checkTimeoutMs }))],
    run: runOf(row),
  };
}

/** A check that was given as a command is named by it. */
function checksOf(commands: readonly string[], timeoutMs: number): MergeCheck[] {
  return commands.map((command) => ({ name: command, command, timeoutMs }));
}

function runOf({ run_id: id, daemon_id: daemonId, head, branch_kept, verified_tree }: RunColumns): TaskFacts["run"] {
  if (id === null || daemonId === null) return null;
  return { id, daemonId, head, branchKept: branch_kept === 1, verifiedTree: verified_tree };
}

interface RunColumns {
  run_id: string | null;
  daemon_id: string | null;
  head: string | null;
  branch_kept: 0 | 1 | null;
  verified_tree: string | null;
}
