import { MakimaError } from "../../../core/errors.ts";
import { readRepositoryConfig } from "../../../platform/config/repository.ts";
import { inspectRepository } from "../../../platform/git/repository.ts";
import { checkoutDirectory } from "../../checkout/checkout.ts";
import { createCheckout } from "../../checkout/create.ts";
import { snapshotTree } from "../../checkout/snapshot.ts";
import type { PinnedCheck } from "../../checks/run-check.ts";
import { requireAllowed } from "../../repositories.ts";
import type { RunContext } from "../context.ts";

/** What a run's checks may come to: every event that lists them must fit a frame (a count, and bytes of JSON). */
const MAX_CHECKS = 100;
const MAX_CHECKS_BYTES = 64 * 1024;

/**
 * Looks whether everything that the run needs is there, and only then makes the checkout: a run that cannot start
 * leaves nothing behind. The checks are pinned here, from the base commit, before any agent has run.
 */
export async function prepare(run: RunContext): Promise<void> {
  const { spec, services, state } = run;
  await (await run.agent()).agent.preflight();
  if (state.sandboxed) await services.sandboxes.require();
  // Before anything is run in it, and of the place that a path from outside really leads to.
  await requireAllowed(services.allowsRepository, spec.repository);
  const repository = await inspectRepository(services.git, spec.repository, spec.base);
  await requireAllowed(services.allowsRepository, repository.topLevel);
  const checks = await pinnedChecks(run, repository.topLevel);
  const checkout = await createCheckout(services.git, {
    repository,
    branch: spec.branch,
    adoptBranch: spec.resume !== null,
    baseCommit: spec.base,
    dir: checkoutDirectory(services.worktrees, spec),
    taskId: spec.taskId,
    includeChanges: spec.includeChanges,
    kind: state.sandboxed ? "clone" : "worktree",
  });
  const { tree, head } = await snapshotTree(services.git, checkout);
  run.record({
    type: "checkout",
    at: run.now(),
    worktree: checkout.dir,
    base: spec.base,
    head,
    tree,
    excluded: spec.includeChanges ? 0 : repository.dirtyFiles,
    checks,
  });
}

async function pinnedChecks(run: RunContext, topLevel: string): Promise<PinnedCheck[]> {
  const checks = await allChecks(run, topLevel);
  const bytes = Buffer.byteLength(JSON.stringify(checks));
  if (checks.length <= MAX_CHECKS && bytes <= MAX_CHECKS_BYTES) return checks;
  throw new MakimaError("usage", `Too much to check with: ${checks.length} commands of ${bytes} bytes`, {
    hint: `At most ${MAX_CHECKS} commands and ${MAX_CHECKS_BYTES} bytes. Put them into a script of the repository.`,
  });
}

/** Those of the repository say whether work is good; in the checkout of a supervisor there is none. */
async function allChecks(run: RunContext, topLevel: string): Promise<PinnedCheck[]> {
  const given = run.spec.checks.map((command) => ({ name: command, command, timeoutMs: null }));
  if (run.spec.supervision !== null) return given;
  const { checks } = await readRepositoryConfig(run.services.git, topLevel, run.spec.base);
  return [...given, ...checks.filter(({ command }) => !run.spec.checks.includes(command))];
}
