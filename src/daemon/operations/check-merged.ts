import { join } from "node:path";
import { tail } from "../../core/text.ts";
import type { Git } from "../../platform/git/git.ts";
import { readHead, setRef } from "../../platform/git/refs.ts";
import type { OrderOf } from "../../protocol/operations.ts";
import type { CheckReport, TamperingReport } from "../../protocol/run-events.ts";
import { locationOf } from "../checkout/checkout.ts";
import type { Checkout } from "../checkout/checkout.ts";
import { restoreTracked } from "../checkout/restore.ts";
import { followCheck, reportOf } from "../checks/check-process.ts";
import type { CheckProcess } from "../checks/check-process.ts";
import { mergeCheckEnvironment } from "../runner/environment.ts";
import { sandboxVariables } from "../sandbox/caches.ts";
import type { OperationContext } from "./context.ts";
import { fitting } from "./fitting.ts";
import { Scratch } from "./scratch.ts";

type Order = OrderOf<"MergeBranch">;

/** UTF-16 units of the output that is told of all failed checks: an agent reads it. */
const MAX_OUTPUT = 16_000;
/** Files that one check is flagged for: the answer of a hundred checks must fit a frame of the link. */
const FLAGGED = { max: 10, maxBytes: 2_000 };

/**
 * Runs every check of a merge on the merged tree, in a checkout of its own that is thrown away, also after one has failed:
 * whoever is to mend it learns of all of them at once. `output`: the end of what those printed that failed.
 */
export async function checkMerged(
  context: OperationContext,
  order: Order,
  merged: { commit: string; tree: string },
): Promise<{ checks: CheckReport[]; output: string }> {
  if (order.checks.length === 0) return { checks: [], output: "" };
  const { git, repository, signal } = context;
  const { taskId, branch, bubblewrap } = order.place;
  const kind = bubblewrap || context.sandboxes.enabled ? "clone" : "worktree";
  if (kind === "clone") await context.sandboxes.require();
  await using scratch = await Scratch.make(context);
  const checkout = await scratch.checkout(git, { kind, taskId, branch, repository, commit: merged.commit });
  const checks: CheckReport[] = [];
  const failures: string[] = [];
  for (const [index, check] of order.checks.entries()) {
    const dir = join(scratch.dir, `check-${index + 1}`);
    const end = await followCheck({
      command: check.command,
      cwd: checkout.dir,
      ...(await surroundings(context, checkout, scratch.marks)),
      dir,
      marker: dir,
      timeoutMs: check.timeoutMs,
      stop: signal,
    });
    signal.throwIfAborted();
    const flags = await undo(git, checkout, merged);
    // Its output is read here and nowhere else: no stream keeps it.
    const report = reportOf(check, end, { flags, stream: "", baseline: null });
    checks.push(report);
    if (!report.passed) failures.push(`$ ${check.command}\n${end.tail}`);
  }
  return { checks, output: tail(failures.join("\n\n"), MAX_OUTPUT) };
}

/** Environment of a check, and the sandbox that it runs in: in none that keeps something for the next one. */
async function surroundings(
  { passEnv, environment, sandboxes }: OperationContext,
  { kind, taskId, dir, commonDir: repository }: Checkout,
  marks: Readonly<Record<string, string>>,
): Promise<Pick<CheckProcess, "env" | "sandbox">> {
  const sandboxed = kind === "clone";
  const variables = sandboxed ? sandboxVariables(null) : {};
  const env = { ...mergeCheckEnvironment(taskId, passEnv, environment, variables), ...marks };
  return { env, sandbox: sandboxed ? await sandboxes.forCheck({ dir, repository, caches: null, env }) : null };
}

/** The next check must judge what was merged, and not what this one has made of it. */
async function undo(
  git: Git,
  checkout: Checkout,
  { commit, tree }: { commit: string; tree: string },
): Promise<TamperingReport[]> {
  const at = locationOf(checkout);
  const flags: TamperingReport[] = [];
  const head = await readHead(git, at);
  if (head.commit !== commit || head.ref !== null) {
    flags.push({ kind: "check-moved-head", path: null, detail: `moved HEAD to ${head.commit}` });
    await setRef(git, at, "HEAD", commit);
  }
  for (const path of fitting(await restoreTracked(git, checkout, tree), FLAGGED)) {
    flags.push({ kind: "check-changed-files", path, detail: "changed by the check; undone" });
  }
  return flags;
}
