import { textOf } from "./git.ts";
import type { Git, GitLocation, Identity } from "./git.ts";

export interface CommitContent {
  tree: string;
  parents: readonly string[];
  message: string;
  identity: Identity;
}

/** Makes a commit object, on no branch; returns its id. */
export async function makeCommit(git: Git, at: GitLocation, content: CommitContent): Promise<string> {
  const parents = content.parents.flatMap((parent) => ["-p", parent]);
  const args = ["commit-tree", ...parents, "-F", "-", content.tree];
  return textOf(await git(at, args, { input: content.message, identity: content.identity }));
}

/** The tree of a commit. */
export async function treeOf(git: Git, at: GitLocation, commit: string): Promise<string> {
  return textOf(await git(at, ["rev-parse", "--verify", "--end-of-options", `${commit}^{tree}`]));
}

/** The identity that the person configured for commits in this repository; null when there is none. */
export async function readIdentity(git: Git, at: GitLocation): Promise<Identity | null> {
  // Without this setting git makes an identity up from the names of the user and the host.
  const result = await git(at, ["var", "GIT_AUTHOR_IDENT"], { accept: [128], config: ["user.useConfigOnly=true"] });
  const match = /^(.*) <(.*)> \d+ [+-]\d+$/.exec(textOf(result));
  return match === null ? null : { name: match[1] ?? "", email: match[2] ?? "" };
}
