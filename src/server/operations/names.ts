import { MakimaError } from "../../core/errors.ts";
import { isBranchName, isRefName, slug } from "../../core/ids.ts";
import { MAX_SLUG } from "../tasks/create.ts";
import type { ContractFacts } from "./facts.ts";

/** How the names of all branches begin that belong to the contract: its tasks', its integration branch, its others. */
export function branchPrefix({ name, integrationBranch }: Pick<ContractFacts, "name" | "integrationBranch">): string {
  if (integrationBranch === "") return `makima/${slug(name, MAX_SLUG)}/`;
  return integrationBranch.slice(0, integrationBranch.lastIndexOf("/") + 1);
}

/** A branch that is to be made. Throws `invalid_request`, and `forbidden` where an agent leaves its contract's. */
export function requireFree(contract: ContractFacts, name: string, person: boolean): void {
  requireBranchName("name", name);
  if (!person) requireOwnBranch(contract, name);
}

/** A name for a new branch. Throws `invalid_request`. */
export function requireBranchName(field: string, name: string): void {
  if (isBranchName(name)) return;
  throw new MakimaError("invalid_request", `${field}: ${name} is not a name that makima gives to branches`, {
    hint: "Small letters, digits, dots, dashes, underscores and slashes.",
  });
}

/** A branch that is to be moved: a person knows what goes into which, an agent keeps to its contract's. */
export function requireTarget(contract: ContractFacts, into: string, person: boolean): void {
  requireRef("into", into);
  if (!person) requireOwnBranch(contract, into);
}

/** A branch, tag or commit that is looked up. */
export function requireRef(field: string, ref: string): void {
  if (isRefName(ref)) return;
  throw new MakimaError("invalid_request", `${field}: ${ref} is not the name of a branch, a tag or a commit`);
}

/** The daemon looks again, at where its links lead. */
export function requirePath(path: string): void {
  const parts = path.split("/");
  if (!path.startsWith("/") && !parts.includes("..") && !path.includes("\0")) return;
  throw new MakimaError("invalid_request", "path: it must be relative to the repository's top level, and stay in it");
}

function requireOwnBranch(contract: ContractFacts, name: string): void {
  const prefix = branchPrefix(contract);
  if (isBranchName(name) && name.startsWith(prefix)) return;
  throw new MakimaError("forbidden", `An agent must not move ${name}`, {
    hint: `The branches of its contract begin with ${prefix}; a person can merge into any other.`,
  });
}
