import { diffText, summarizeDiff } from "../../platform/git/diff-summary.ts";
import type { SummarizedFile } from "../../platform/git/diff-summary.ts";
import { MAX_CONTENT } from "../../protocol/operations.ts";
import type { OperationResult, OrderOf } from "../../protocol/operations.ts";
import { locationOf } from "../checkout/checkout.ts";
import { withTreeApart } from "../checkout/private-index.ts";
import { requireCommit, taskCheckout, taskTip } from "./context.ts";
import type { Carry, OperationContext } from "./context.ts";
import { fitting } from "./fitting.ts";
import { Scratch } from "./scratch.ts";

/** Files that are listed: there must be room for the diff beside them. */
const LISTED = { max: 2_000, maxBytes: 192 * 1024 };

/** Compares what a task has now, in its checkout or else on its branch, with where it started. */
export const getDiff: Carry<"GetDiff"> = async (context, order) => {
  const { place } = order;
  await requireCommit(context, place.base);
  const checkout = await taskCheckout(context, place);
  if (checkout === null) return compare(context, order, await taskTip(context, place));
  await using scratch = await Scratch.make(context);
  const git = scratch.marking(context.git);
  return await withTreeApart(git, { checkout, scratch: scratch.dir }, ({ tree, indexFile }) => {
    // Not with the agent's index, which may be broken: git reads one for attributes.
    return compare({ git, at: { ...locationOf(checkout), indexFile } }, order, tree);
  });
};

/** `head`: a commit or a tree, that git finds `at` a place. */
async function compare(
  { git, at }: Pick<OperationContext, "git" | "at">,
  { place, stat }: OrderOf<"GetDiff">,
  head: string,
): Promise<OperationResult<"GetDiff">> {
  const files = await summarizeDiff(git, at, place.base, head);
  const listed = fitting(files, LISTED);
  const cut = listed.length < files.length;
  const sums = { insertions: sum(files, "insertions"), deletions: sum(files, "deletions") };
  const facts = { base: place.base, head, files: listed, ...sums };
  if (stat) return { ...facts, diff: null, truncated: cut };
  const { text, truncated } = await diffText(git, at, { from: place.base, to: head, maxBytes: MAX_CONTENT });
  return { ...facts, diff: text.toString("base64"), truncated: truncated || cut };
}

function sum(files: readonly SummarizedFile[], field: "insertions" | "deletions"): number {
  return files.reduce((total, file) => total + (file[field] ?? 0), 0);
}
