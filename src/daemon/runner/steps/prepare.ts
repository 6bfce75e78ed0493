import { join } from "node:path";
import { MakimaError } from "../../../core/errors.ts";
import { parseRepositoryConfig } from "../../../platform/config/repository.ts";
import { inspectRepository, readFileAt } from "../../../platform/git/repository.ts";
import { createCheckout } from "../../checkout/worktree.ts";
import type { PinnedCheck } from "../../checks/run-check.ts";
import { snapshotTree } from "../../checkout/snapshot.ts";
import type { RunContext } from "../context.ts";

const REPOSITORY_CONFIG = ".makima.toml";

/**
 * Looks whether everything that the run needs is there, and only then makes the checkout: a run that cannot start
 * leaves nothing behind. The checks are pinned here, from the base commit, before any agent has run.
 */
export async function prepare(run: RunContext): Promise<void> {
  const { spec, services } = run;
  await (await run.agent()).agent.preflight();
  if (!services.allowsRepository(spec.repository)) {
    throw new MakimaError("forbidden", `This daemon may not work in ${spec.repository}`, {
      hint: "Add it to [daemon] repositories in the daemon's configuration.",
    });
  }
  const repository = await inspectRepository(services.git, spec.repository, spec.base);
  const checks = await pinnedChecks(run, repository.topLevel);
  const checkout = await createCheckout(services.git, {
    repository,
    branch: spec.branch,
    baseCommit: spec.base,
    dir: join(services.worktrees, spec.taskId),
    taskId: spec.taskId,
    includeChanges: spec.includeChanges,
  });
  const { tree, head } = await snapshotTree(services.git, checkout);
  run.record({
    type: "checkout",
    at: run.now(),
    worktree: checkout.dir,
    head,
    tree,
    excluded: spec.includeChanges ? 0 : repository.dirtyFiles,
    checks,
  });
}

async function pinnedChecks(run: RunContext, topLevel: string): Promise<PinnedCheck[]> {
  const given = run.spec.checks.map((command) => ({ name: command, command, timeoutMs: null }));
  const file = await readFileAt(run.services.git, { cwd: topLevel }, run.spec.base, REPOSITORY_CONFIG);
  if (file === null) return given;
  const { checks } = parseRepositoryConfig(file.toString("utf8"), REPOSITORY_CONFIG);
  return [...given, ...checks.filter(({ command }) => !run.spec.checks.includes(command))];
}
