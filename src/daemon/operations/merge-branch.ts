import { MakimaError } from "../../core/errors.ts";
import { headRef } from "../../platform/git/branches.ts";
import { makeCommit, readIdentity, treeOf } from "../../platform/git/commit.ts";
import { mergeTrees } from "../../platform/git/merge.ts";
import { isAncestor, NO_COMMIT, readRef, requireBranchName } from "../../platform/git/refs.ts";
import type { OperationResult, OrderOf } from "../../protocol/operations.ts";
import type { CheckReport } from "../../protocol/run-events.ts";
import { MAKIMA_IDENTITY } from "../checkout/checkout.ts";
import { checkMerged } from "./check-merged.ts";
import { findNamed, taskTip } from "./context.ts";
import type { Carry, OperationContext } from "./context.ts";
import { fitting } from "./fitting.ts";
import { land, landingFor } from "./landing.ts";

type Order = OrderOf<"MergeBranch">;
type Result = OperationResult<"MergeBranch">;

/** Tries before it is said that the branch does not hold still: makima's own merges wait for each other. */
const MAX_TRIES = 3;
/** Files in conflict that are told. */
const TOLD = { max: 1_000, maxBytes: 256 * 1024 };

/**
 * Merges a task's branch into another one, in the object store. Nothing is moved unless the merge is clean and its checks
 * pass, and then by compare-and-swap: whoever moves `into` meanwhile loses nothing, and the merge is made anew. Done again
 * after a crash, it finds the branch merged.
 */
export const mergeBranch: Carry<"MergeBranch"> = async (context, order) => {
  const checked = new Map<string, CheckReport[]>(order.verifiedTrees.map((tree) => [tree, []]));
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const result = await tryMerge(context, order, checked);
    if (result !== null) return result;
  }
  throw new MakimaError("conflict", `The branch ${order.into} keeps being moved by another program`);
};

/** Both ends of a merge. */
interface Ends {
  /** Tip of `into`, `NO_COMMIT` where it is still to be made. */
  tip: string;
  /** The commit that is merged into: the tip, or where `into` starts. */
  ours: string;
  theirs: string;
}

/** null: `into` was moved before the merge could land. `checked` holds the trees that need no checks any more. */
async function tryMerge(
  context: OperationContext,
  order: Order,
  checked: Map<string, CheckReport[]>,
): Promise<Result | null> {
  const { git, at } = context;
  const { into, squash } = order;
  const ends = await endsOf(context, order);
  const { tip, ours, theirs } = ends;
  const unmoved = { into, commit: tip === NO_COMMIT ? null : tip, conflicts: [], checks: [], output: "" };
  if (await isAncestor(git, at, theirs, ours)) {
    return { ...unmoved, outcome: "up-to-date", tree: await treeOf(git, at, ours) };
  }
  const { tree, conflicts } = await mergeTrees(git, at, ours, theirs);
  if (tree === null) {
    return { ...unmoved, outcome: "conflict", tree, conflicts: fitting(conflicts, TOLD) };
  }
  // A branch that was squashed is no ancestor: it has nothing to add, and a second empty commit would tell nobody anything.
  if (squash && tree === (await treeOf(git, at, ours))) return { ...unmoved, outcome: "up-to-date", tree };
  if (order.dryRun) return { ...unmoved, outcome: "clean", tree };
  const landing = await landingFor(context, into);
  const commit = await commitMerge(context, order, ends, tree);
  const { checks, output } = await check(context, order, { commit, tree, checked });
  if (checks.some(({ passed }) => !passed)) return { ...unmoved, outcome: "checks-failed", tree, checks, output };
  const landed = await land(context, landing, { into, from: tip, to: commit, branch: order.place.branch });
  return landed ? { ...unmoved, outcome: "merged", commit, tree, checks } : null;
}

async function endsOf(context: OperationContext, { place, into, start }: Order): Promise<Ends> {
  const { git, at } = context;
  const theirs = await taskTip(context, place);
  const tip = await readRef(git, at, headRef(into));
  if (tip !== NO_COMMIT) return { tip, ours: tip, theirs };
  if (start === null) {
    throw new MakimaError("not_found", `There is no branch ${into} to merge into`, { hint: "Make it first." });
  }
  requireBranchName(into);
  const ours = await findNamed(context, start);
  if (ours !== null) return { tip, ours, theirs };
  throw new MakimaError("base_unknown", `There is no commit ${JSON.stringify(start)} for ${into} to start from`);
}

/**
 * Always a commit of its own, also where the branch could be moved forward: the history of `into` then says for each
 * task when it came in, and one revert takes it out again.
 */
async function commitMerge(
  { git, at, repository }: OperationContext,
  { message, squash }: Order,
  { ours, theirs }: Ends,
  tree: string,
): Promise<string> {
  const identity = (await readIdentity(git, { cwd: repository.topLevel })) ?? MAKIMA_IDENTITY;
  const parents = squash ? [ours] : [ours, theirs];
  return makeCommit(git, at, { tree, parents, message: `${message.trimEnd()}\n`, identity });
}

async function check(
  context: OperationContext,
  order: Order,
  { commit, tree, checked }: { commit: string; tree: string; checked: Map<string, CheckReport[]> },
): Promise<{ checks: CheckReport[]; output: string }> {
  const known = checked.get(tree);
  if (known !== undefined) return { checks: known, output: "" };
  const outcome = await checkMerged(context, order, { commit, tree });
  if (outcome.checks.every(({ passed }) => passed)) checked.set(tree, outcome.checks);
  return outcome;
}
