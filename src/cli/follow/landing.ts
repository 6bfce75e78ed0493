import { errorFromBody } from "../../client/client.ts";
import { MakimaError } from "../../core/errors.ts";
import type { Contract, TaskDetail } from "../../protocol/api.ts";
import type { Conflict, Operation, OperationResult } from "../../protocol/operations.ts";
import type { Connection } from "../connect.ts";
import type { Context } from "../context.ts";
import { inline } from "../format.ts";
import { endOf } from "../operations.ts";
import { pagesOf } from "../pages.ts";

/** Where work went in the end, or why it did not. */
export interface Landing {
  landed: boolean;
  /** For people; more than one where several repositories have a part in it. */
  lines: string[];
  /** What a person has to see to; null where the checks said no, or nothing went wrong. */
  failure: MakimaError | null;
  document: { landed: boolean; operations: Pick<Operation, "id" | "kind" | "result" | "error">[] };
}

/** What became of a task's work that was to be merged; null: there is none, because the task was not completed. */
export async function landingOfTask(
  context: Context,
  connection: Connection,
  { task, contract, cursor }: TaskDetail,
): Promise<Landing | null> {
  if (task.status !== "completed") return null;
  const isStuck = task.merge === "conflict" || task.merge === "failed";
  return awaitLanding(context, connection, { contractId: contract.id, taskId: isStuck ? task.id : null, cursor });
}

/** What became of the work of a contract that was completed; null: it stays on its branches, as was wanted. */
export async function landingOfContract(
  context: Context,
  connection: Connection,
  { contract: { id, completionAction }, cursor }: { contract: Contract; cursor: number },
): Promise<Landing | null> {
  if (completionAction === "none" || completionAction === "branch") return null;
  return awaitLanding(context, connection, { contractId: id, taskId: null, cursor });
}

interface Place {
  contractId: string;
  /** The task whose merge it is; null: the contract's own. */
  taskId: string | null;
  /** Change feed position at which everything had been asked for already. */
  cursor: number;
}

async function awaitLanding(context: Context, connection: Connection, place: Place): Promise<Landing> {
  const begun = await findOperations(connection, place);
  if (begun.length === 0) return nothingTried(connection, place);
  const operations: Operation[] = [];
  for (const operation of begun) {
    operations.push(await endOf(connection, context, { operation, cursor: place.cursor, timeout: null }));
  }
  const outcomes = operations.map(outcomeOf);
  const landed = outcomes.every((outcome) => outcome.landed);
  return {
    landed,
    lines: outcomes.map(({ text }) => text),
    failure: outcomes.find(({ failure }) => failure !== null)?.failure ?? null,
    document: { landed, operations: operations.map(({ id, kind, result, error }) => ({ id, kind, result, error })) },
  };
}

/** What the merge queue does for it, in order: a task's latest merge, or all that was begun when the contract was completed. */
async function findOperations({ call }: Connection, { contractId, taskId }: Place): Promise<Operation[]> {
  const found: Operation[] = [];
  for await (const { operations } of pagesOf((query) => call("listOperations", { contract: contractId, ...query }))) {
    for (const operation of operations) {
      const isWanted = operation.origin === "queue" && operation.taskId === taskId;
      if (isWanted) found.unshift(operation);
      // Those of a contract were begun together, so nothing older belongs to them.
      if (found.length > 0 && (!isWanted || taskId !== null)) return found;
    }
  }
  return found;
}

async function nothingTried({ call }: Connection, { contractId }: Place): Promise<Landing> {
  const { tasks } = await call("getContract", { id: contractId });
  const landed = tasks.every(({ merge }) => merge === null);
  const line = landed
    ? "Nothing was changed, so there is nothing to merge"
    : "Not merged: the daemon that has the work was removed";
  return { landed, lines: [line], failure: null, document: { landed, operations: [] } };
}

interface Outcome extends Pick<Landing, "landed" | "failure"> {
  text: string;
}

function outcomeOf({ kind, result, error }: Operation): Outcome {
  if (error !== null)
    return { landed: false, text: `Not merged: ${inline(error.message)}`, failure: errorFromBody(error) };
  if (kind === "CreatePullRequest") return pullRequestOutcome(result as OperationResult<"CreatePullRequest">);
  return mergeOutcome(result as OperationResult<"MergeBranch">);
}

function pullRequestOutcome({ remote, branch, url, next }: OperationResult<"CreatePullRequest">): Outcome {
  const pushed = `Pushed ${inline(branch)} to ${inline(remote)}`;
  const text =
    url === null ? `${pushed}; ${inline(next ?? "open the pull request by hand")}` : `Pull request ${inline(url)}`;
  return { landed: true, text, failure: null };
}

function mergeOutcome({ outcome, into, commit, conflicts, checks }: OperationResult<"MergeBranch">): Outcome {
  const target = inline(into);
  switch (outcome) {
    case "merged":
      return { landed: true, text: `Merged into ${target} (${commit?.slice(0, 12)})`, failure: null };
    case "up-to-date":
    case "clean":
      return { landed: true, text: `${target} has all of it already`, failure: null };
    case "checks-failed": {
      const failed = checks.filter(({ passed }) => !passed).map(({ command }) => inline(command));
      return {
        landed: false,
        text: `Not merged into ${target}: ${failed.join(", ")} fails on the merged tree`,
        failure: null,
      };
    }
    case "conflict": {
      const text = `Not merged into ${target}: conflicts in ${pathsOf(conflicts)}`;
      return { landed: false, text, failure: new MakimaError("merge_conflict", text) };
    }
  }
}

/** Paths that a line names before it counts the rest. */
const MAX_PATHS = 5;

function pathsOf(conflicts: readonly Conflict[]): string {
  const paths = conflicts.slice(0, MAX_PATHS).map(({ path }) => inline(path));
  return conflicts.length > MAX_PATHS
    ? `${paths.join(", ")} and ${conflicts.length - MAX_PATHS} more`
    : paths.join(", ");
}
