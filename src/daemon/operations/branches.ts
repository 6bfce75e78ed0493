import { MakimaError } from "../../core/errors.ts";
import { headRef, listBranches as list } from "../../platform/git/branches.ts";
import { moveRef, NO_COMMIT, readRef, requireBranchName } from "../../platform/git/refs.ts";
import { findNamed } from "./context.ts";
import type { Carry, OperationContext } from "./context.ts";
import { fitting } from "./fitting.ts";

const LISTED = { max: 1_000, maxBytes: 512 * 1024 };

/** Lists branches by the beginning of their names, the newest first. */
export const listBranches: Carry<"ListBranches"> = async ({ git, at }, { prefix }) => {
  return { branches: fitting(await list(git, at, prefix), LISTED) };
};

/** Makes a branch, which may be there already at the same commit. */
export const createBranch: Carry<"CreateBranch"> = async (context, { name, from }) => {
  requireBranchName(name);
  const { git, at } = context;
  const commit = await firstOf(context, from);
  const ref = headRef(name);
  if (await moveRef(git, at, { ref, to: commit, from: NO_COMMIT, message: "makima: branch created" })) {
    return { name, commit };
  }
  if ((await readRef(git, at, ref)) === commit) return { name, commit };
  throw new MakimaError("conflict", `The branch ${name} exists already, and is elsewhere`, {
    hint: "Choose another name, or delete that branch.",
  });
};

async function firstOf(context: OperationContext, names: readonly string[]): Promise<string> {
  for (const name of names) {
    const commit = await findNamed(context, name);
    if (commit !== null) return commit;
  }
  throw new MakimaError(
    "base_unknown",
    `None of these is a commit of ${context.repository.topLevel}: ${names.join(", ")}`,
  );
}
