import { join } from "node:path";
import { diffText, summarizeDiff } from "../../platform/git/diff-summary.ts";
import type { SummarizedFile } from "../../platform/git/diff-summary.ts";
import { MAX_CONTENT } from "../../protocol/operations.ts";
import type { OrderOf } from "../../protocol/operations.ts";
import { writeTreeApart } from "../checkout/private-index.ts";
import { requireCommit, taskCheckout, taskTip } from "./context.ts";
import type { Carry, OperationContext } from "./context.ts";
import { fitting } from "./fitting.ts";
import { Scratch } from "./scratch.ts";

/** Files that are listed: there must be room for the diff beside them. */
const LISTED = { max: 2_000, maxBytes: 192 * 1024 };

/** Compares what a task has now, in its checkout or else on its branch, with where it started. */
export const getDiff: Carry<"GetDiff"> = async (context, { place, stat }) => {
  const { git, at } = context;
  await requireCommit(context, place.base);
  const head = await present(context, place);
  const files = await summarizeDiff(git, at, place.base, head);
  const listed = fitting(files, LISTED);
  const cut = listed.length < files.length;
  const sums = { insertions: sum(files, "insertions"), deletions: sum(files, "deletions") };
  const facts = { base: place.base, head, files: listed, ...sums };
  if (stat) return { ...facts, diff: null, truncated: cut };
  const { text, truncated } = await diffText(git, at, { from: place.base, to: head, maxBytes: MAX_CONTENT });
  return { ...facts, diff: text.toString("base64"), truncated: truncated || cut };
};

/** The tree of the checkout as it is now, or the tip of the branch. */
async function present(context: OperationContext, place: OrderOf<"GetDiff">["place"]): Promise<string> {
  const checkout = await taskCheckout(context, place);
  if (checkout === null) return taskTip(context, place);
  await using scratch = await Scratch.make(context);
  const { tree } = await writeTreeApart(scratch.marking(context.git), checkout, join(scratch.dir, "index"));
  return tree;
}

function sum(files: readonly SummarizedFile[], field: "insertions" | "deletions"): number {
  return files.reduce((total, file) => total + (file[field] ?? 0), 0);
}
