import { parseRemoteUrl } from "../../platform/git/remotes.ts";
import type { HostedRepository } from "../../platform/git/remotes.ts";
import { runCommand } from "../../platform/process/command.ts";
import type { CommandResult } from "../../platform/process/command.ts";
import type { OrderOf } from "../../protocol/operations.ts";

/** Where and as whom `gh` works. */
export interface GhPlace {
  cwd: string;
  environment: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
}

/** A pull request that is open, or else what a person is to do to open it. */
export type Opened = { url: string; next: null } | { url: null; next: string };

type Order = OrderOf<"CreatePullRequest">;

/** What a person's `git` and `gh` prove who they are with: https://cli.github.com/manual/gh_help_environment */
const CREDENTIALS = [
  "SSH_AUTH_SOCK",
  "XDG_CONFIG_HOME",
  "GH_CONFIG_DIR",
  "GH_HOST",
  "GH_TOKEN",
  "GITHUB_TOKEN",
  "GH_ENTERPRISE_TOKEN",
  "GITHUB_ENTERPRISE_TOKEN",
];
const BASIC = ["PATH", "HOME", "LANG", "TMPDIR"];

/** It asks nothing, and leaves the index of the checkout where it runs alone. */
const FIXED = {
  GH_PROMPT_DISABLED: "1",
  GH_NO_UPDATE_NOTIFIER: "1",
  NO_COLOR: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_OPTIONAL_LOCKS: "0",
};

const GH_TIMEOUT_MS = 2 * 60_000;
const MAX_GH_OUTPUT = 1024 * 1024;
/** UTF-16 units of what gh says when it fails. */
const MAX_WORDS = 500;

/** The variables of `environment` that a push may need. */
export function credentials(environment: GhPlace["environment"]): Record<string, string> {
  return pick(environment, CREDENTIALS);
}

/** The first of these URLs of one remote that is GitHub's: github.com, *.ghe.com, or the host that GH_HOST names. */
export function gitHubRepository(
  urls: readonly string[],
  environment: GhPlace["environment"],
): HostedRepository | null {
  for (const url of urls) {
    const found = parseRemoteUrl(url);
    if (found === null || !/^[\w.-]+\/[\w.-]+$/.test(found.path)) continue;
    // As gh does: both names are the same service.
    const host = found.host.replace(/^(?:ssh|www)\.github\.com$/, "github.com");
    if (host === "github.com" || host.endsWith(".ghe.com") || host === environment["GH_HOST"])
      return { ...found, host };
  }
  return null;
}

/** Opens a pull request for a branch that is pushed, or finds the one that is open already. */
export async function openPullRequest(place: GhPlace, repository: HostedRepository, order: Order): Promise<Opened> {
  const gh = (args: readonly string[], input = "") => runGh(place, repository, args, input);
  const { branch, into, title, body, draft } = order;
  const list = await gh(["pr", "list", "--head", branch, "--state", "open", "--json", "url,isCrossRepository"]);
  if (list.notStarted !== null) return byHand(repository, order, `gh was not started (${list.notStarted}).`);
  const known = ownUrl(list);
  if (known !== null) return { url: known, next: null };
  const options = ["--head", branch, ...(into === null ? [] : ["--base", into]), ...(draft ? ["--draft"] : [])];
  const made = await gh(["pr", "create", ...options, "--title", title, "--body-file", "-"], body);
  // One that somebody opened in this moment stands in its complaint.
  const url = lastUrl(made.exitCode === 0 ? made.stdout : made.stderr, repository);
  if (url !== null) return { url, next: null };
  return byHand(repository, order, `gh could not open it: ${wordsOf(made)}`);
}

/** Without looking at the remotes of the directory it is in, whichever of them it would choose. */
function runGh(
  { cwd, environment, signal }: GhPlace,
  { host, path }: HostedRepository,
  args: readonly string[],
  input: string,
): Promise<CommandResult> {
  return runCommand(["gh", ...args, "--repo", `${host}/${path}`], {
    cwd,
    env: { ...pick(environment, [...BASIC, ...CREDENTIALS]), ...FIXED },
    input,
    timeoutMs: GH_TIMEOUT_MS,
    maxOutputBytes: MAX_GH_OUTPUT,
    signal,
  });
}

/** A branch of the same name in somebody's fork is another one. */
function ownUrl({ exitCode, stdout }: CommandResult): string | null {
  if (exitCode !== 0) return null;
  try {
    const found = JSON.parse(stdout.toString("utf8")) as { url: string; isCrossRepository: boolean }[];
    return found.find(({ isCrossRepository }) => !isCrossRepository)?.url ?? null;
  } catch {
    return null;
  }
}

function lastUrl(output: Buffer, { host, path }: HostedRepository): string | null {
  const words = output.toString("utf8").split(/\s+/);
  return words.findLast((word) => word.toLowerCase().startsWith(`https://${host}/${path}/pull/`.toLowerCase())) ?? null;
}

function byHand({ host, path }: HostedRepository, { branch, into }: Order, why: string): Opened {
  const range = [...(into === null ? [] : [into]), branch].map((name) =>
    name.split("/").map(encodeURIComponent).join("/"),
  );
  return { url: null, next: `${why} Open it at https://${host}/${path}/compare/${range.join("...")}?expand=1` };
}

function wordsOf({ stderr, stdout, timedOut }: CommandResult): string {
  if (timedOut) return `it took longer than ${GH_TIMEOUT_MS / 1000} s.`;
  const words = `${stderr.toString("utf8")} ${stdout.toString("utf8")}`.trim().replace(/\s+/g, " ");
  return words === "" ? "it did not say why." : words.slice(0, MAX_WORDS).toWellFormed();
}

function pick(environment: GhPlace["environment"], names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}
