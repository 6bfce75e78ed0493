import { MakimaError } from "../../core/errors.ts";
import { textOf } from "./git.ts";
import type { Git, GitLocation } from "./git.ts";

/** Names of the repository's remotes. */
export async function listRemotes(git: Git, at: GitLocation): Promise<string[]> {
  const names = textOf(await git(at, ["remote"]));
  return names === "" ? [] : names.split("\n");
}

/** The remote that a branch follows, as its configuration names it; null when it follows none. */
export async function upstreamRemote(git: Git, at: GitLocation, branch: string): Promise<string | null> {
  const result = await git(at, ["config", "--get", `branch.${branch}.remote`], { accept: [1] });
  return result.exitCode === 0 ? textOf(result) : null;
}

/** Where pushes to a remote go, and what stands in the configuration, which `url.*.insteadOf` may make that of. */
export async function remoteUrls(git: Git, at: GitLocation, remote: string): Promise<string[]> {
  const push = await git(at, ["remote", "get-url", "--push", "--", remote]);
  const written = await git(at, ["config", "--get", `remote.${remote}.url`], { accept: [1] });
  return [push, written].map(textOf).filter((url) => url !== "");
}

/** Whom a push goes to, and how it is allowed to prove who the person is. */
export interface PushOptions {
  remote: string;
  branch: string;
  /** Environment variables that a person's credentials come from. */
  variables: Readonly<Record<string, string>>;
}

/**
 * Pushes one branch to the branch of the same name: no other one, no tags, nothing by force. Done again, it finds nothing
 * to do. Throws `conflict` when the remote has something else there, or does not take it.
 */
export async function pushBranch(git: Git, at: GitLocation, options: PushOptions): Promise<void> {
  const { remote, branch, variables } = options;
  const ref = `refs/heads/${branch}`;
  const args = ["push", "--porcelain", "--no-follow-tags", "--no-recurse-submodules", "--no-signed"];
  const result = await git(at, [...args, "--no-verify", "--", remote, `${ref}:${ref}`], {
    accept: [1],
    variables,
    timeoutMs: PUSH_TIMEOUT_MS,
    // A person's push options are for their own pushes.
    config: ["push.pushOption="],
  });
  if (result.exitCode === 0) return;
  // `!TAB<refs>TAB[rejected] (fetch first)`
  const [, reason] = /^!\t[^\t]*\t(.*)$/m.exec(textOf(result)) ?? [];
  if (reason === undefined) throw new MakimaError("git_failed", `git push failed: ${lastWords(result.stderr)}`);
  throw new MakimaError("conflict", `The remote ${remote} does not take ${branch}: ${reason}`, {
    hint: "Fetch, look at what the remote has on that branch, and merge it or delete it there.",
  });
}

/** A first push of a large repository over a slow line takes its time. */
const PUSH_TIMEOUT_MS = 15 * 60_000;

function lastWords(stderr: string): string {
  return stderr.trim().split("\n").at(-1) ?? "no reason given";
}

/** Where a repository is hosted. */
export interface HostedRepository {
  host: string;
  /** Without slashes at its ends and `.git`, such as `owner/name`. */
  path: string;
}

/** Takes apart the URL of a remote, also in the form `user@host:path`; null for a path on this machine. */
export function parseRemoteUrl(url: string): HostedRepository | null {
  const [, scpHost, scpPath] = /^(?:[^@/:]+@)?([^@/:]+):(?!\/\/)(.+)$/.exec(url) ?? [];
  if (scpHost !== undefined && scpPath !== undefined) return { host: scpHost.toLowerCase(), path: trimPath(scpPath) };
  if (!/^(?:https?|ssh|git):\/\//.test(url) || !URL.canParse(url)) return null;
  const { hostname, pathname } = new URL(url);
  return { host: hostname, path: trimPath(pathname) };
}

function trimPath(path: string): string {
  return path.replace(/^\/+|\/+$/g, "").replace(/\.git$/, "");
}
