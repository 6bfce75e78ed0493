import { MakimaError } from "../../core/errors.ts";
import { headRef } from "../../platform/git/branches.ts";
import { NO_COMMIT, readRef } from "../../platform/git/refs.ts";
import { listRemotes, pushBranch, remoteUrls, upstreamRemote } from "../../platform/git/remotes.ts";
import type { Carry, OperationContext } from "./context.ts";
import { credentials, gitHubRepository, openPullRequest } from "./github.ts";

/** Pushes one branch, and opens a pull request for it where that can be done; `next` says what is left to a person. */
export const createPullRequest: Carry<"CreatePullRequest"> = async (context, order) => {
  const { git, at, environment, signal, repository } = context;
  const { branch, into } = order;
  if ((await readRef(git, at, headRef(branch))) === NO_COMMIT) {
    throw new MakimaError("not_found", `There is no branch ${branch} to push`, {
      hint: "A contract's integration branch is there once a task was merged into it.",
    });
  }
  const remote = await remoteFor(context, into);
  await pushBranch(git, at, { remote, branch, variables: credentials(environment) });
  const hosted = gitHubRepository(await remoteUrls(git, at, remote), environment);
  if (hosted === null) {
    const target = into === null ? "" : ` into ${into}`;
    const next = `${branch} is pushed to ${remote}. Open a pull request for it${target} where that is hosted.`;
    return { remote, branch, url: null, next };
  }
  const place = { cwd: repository.topLevel, environment, signal };
  return { remote, branch, ...(await openPullRequest(place, hosted, order)) };
};

/** Where the branch that is merged into comes from, or else the remote that everybody means. */
async function remoteFor({ git, at, repository }: OperationContext, into: string | null): Promise<string> {
  const remotes = await listRemotes(git, at);
  const upstream = into === null ? null : await upstreamRemote(git, at, into);
  // A branch may follow another one of this repository, or a URL: neither is a remote.
  const known = [upstream, "origin"].find((name) => name !== null && remotes.includes(name));
  const [only, ...others] = remotes;
  if (known !== undefined && known !== null) return known;
  if (only === undefined) {
    throw new MakimaError("conflict", `${repository.topLevel} has no remote to push to`, {
      hint: "Add one with `git remote add origin URL`, or merge instead of opening a pull request.",
    });
  }
  if (others.length === 0) return only;
  throw new MakimaError(
    "conflict",
    `${repository.topLevel} has several remotes (${remotes.join(", ")}), and no origin`,
    {
      hint: `Choose one: git branch --set-upstream-to REMOTE/${into ?? "BRANCH"} ${into ?? "BRANCH"}`,
    },
  );
}
