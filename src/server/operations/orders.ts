import { MakimaError } from "../../core/errors.ts";
import { shortId } from "../../core/ids.ts";
import { isTerminal, TASK } from "../../core/task-state.ts";
import type { Repository } from "../../protocol/api.ts";
import type { OperationRequest, OrderOf } from "../../protocol/operations.ts";
import type { Db } from "../db/store.ts";
import { checkpointCommit, nextCheckpoint } from "./checkpoints.ts";
import type { ContractFacts, TaskFacts } from "./facts.ts";
import { mergeOrder, placeOf } from "./merge-order.ts";
import { branchPrefix, requireFree, requirePath, requireRef, requireTarget } from "./names.ts";
import { pullRequestOrder } from "./pull-request.ts";
import type { DaemonRequest } from "./worktree-orders.ts";

/** What a request is about, and who makes it. */
export interface Subject {
  contract: ContractFacts;
  /** null: it is about the contract as a whole. */
  task: TaskFacts | null;
  /** false: an agent. */
  person: boolean;
}

/**
 * What a daemon is to do for a request. Throws `invalid_request`, `forbidden` or `not_found` for what it names, and
 * `conflict` where the task or the contract is not in a state for it.
 */
export async function orderFor(db: Db, subject: Subject, request: ContractRequest): Promise<OrderOf<ContractKind>> {
  // The table guarantees that the entry fits the request; TypeScript cannot follow that through a lookup.
  const make = ORDERS[request.kind] as Make<ContractKind>;
  return make(db, subject, request);
}

/** What is asked about a contract, or a task of it. */
export type ContractRequest = Exclude<OperationRequest, DaemonRequest>;
type ContractKind = ContractRequest["kind"];

type RequestOf<K extends ContractKind> = Extract<ContractRequest, { kind: K }>;
type Make<K extends ContractKind> = (db: Db, subject: Subject, request: RequestOf<K>) => Promise<OrderOf<K>>;

const ORDERS: { readonly [K in ContractKind]: Make<K> } = {
  GetDiff: async (_, subject, { kind, stat }) => ({ kind, place: placeOf(taskOf(subject)), stat }),

  async ReadFile(_, subject, { kind, path, ref }) {
    requirePath(path);
    if (ref !== undefined) requireRef("ref", ref);
    return { kind, place: placeOf(taskOf(subject)), path, ref: ref ?? null };
  },

  async ListBranches(_, { contract }, { kind }) {
    return { kind, repository: homeOf(contract).path, prefix: branchPrefix(contract) };
  },

  async CreateBranch(_, { contract, person }, { kind, name, from }) {
    requireFree(contract, name, person);
    if (from !== undefined) requireRef("from", from);
    const { path: repository, base } = homeOf(contract);
    const integration = contract.integrationBranch === "" ? [] : [contract.integrationBranch];
    return { kind, repository, name, from: from === undefined ? [...integration, base] : [from] };
  },

  async MergeBranch(_, subject, { into: given, squash, dryRun }) {
    const { contract, person } = subject;
    const task = taskOf(subject);
    const into = given ?? integrationOf(contract);
    requireTarget(contract, into, person);
    if (!dryRun) requireEnded(task);
    return mergeOrder(contract, task, { into, squash, dryRun });
  },

  async CreatePullRequest(db, { contract, task }, said) {
    if (task === null) integrationOf(contract);
    else requireEnded(task);
    const repository = task === null ? homeOf(contract) : repositoryOf(contract, task);
    return pullRequestOrder(db, { contract, task, repository }, said);
  },

  async CreateCheckpoint(db, subject, { kind, message }) {
    const task = taskOf(subject);
    return { kind, place: placeOf(task), name: await nextCheckpoint(db, task), message };
  },

  async RestoreCheckpoint(db, subject, { kind, checkpoint }) {
    const task = taskOf(subject);
    const commit = await checkpointCommit(db, task.id, checkpoint);
    requireResting(task, commit);
    return { kind, place: placeOf(task), commit, save: await nextCheckpoint(db, task) };
  },
};

/** Its schema asks for a task where its order needs one. */
function taskOf({ task }: Subject): TaskFacts {
  if (task === null) throw new MakimaError("invalid_request", "task: it is about one");
  return task;
}

function homeOf({ repositories: [first] }: ContractFacts): Repository {
  if (first !== undefined) return first;
  throw new MakimaError("conflict", "The contract has no repository: an older makima made it", {
    hint: "Use git where its tasks have worked.",
  });
}

function repositoryOf({ repositories }: ContractFacts, { repository, base }: TaskFacts): Repository {
  return repositories.find(({ path }) => path === repository) ?? { path: repository, base, branch: null };
}

function integrationOf({ integrationBranch }: ContractFacts): string {
  if (integrationBranch !== "") return integrationBranch;
  throw new MakimaError("conflict", "The contract has no integration branch: an older makima made it", {
    hint: "Name a branch to merge into with --into.",
  });
}

/** A task that is worked on has its last commit still before it. */
function requireEnded({ status }: TaskFacts): void {
  if (isTerminal(TASK, status)) return;
  throw new MakimaError("conflict", `The task is ${status}: its work is not done`, {
    hint: "Wait until it has ended. A merge can be tried before with --dry-run, which moves nothing.",
  });
}

/** Only where no agent is at work, and nobody relies on what the task has come to. */
function requireResting({ id, status }: TaskFacts, commit: string): void {
  // A paused task's agent may go on at any moment.
  if (status === "failed" || status === "cancelled") return;
  const hint =
    status === "completed"
      ? `Branch off from it instead: \`makima supervisor branch create NAME --from ${commit.slice(0, 12)}\`.`
      : `Stop the task with \`makima stop ${shortId(id)}\` first; \`makima resume\` goes on from the checkpoint.`;
  throw new MakimaError("conflict", `The task is ${status}: its checkout is not restored`, { hint });
}
