import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openOperations, taskWith } from "../../../test/support/operations.ts";
import { hashRepository } from "../../../test/support/repository.ts";
import type { TestRepository } from "../../../test/support/repository.ts";
import type { OrderOf } from "../../protocol/operations.ts";

const BRANCH = "makima/goal/task-1";
const GITHUB = "https://github.com/ada/app.git";
const PULL = "https://github.com/ada/app/pull/7";

test("exactly one branch is pushed, and nothing by force", async () => {
  await using bench = await openHosted();
  const { repository: r, bare, pushed } = bench;
  r.run(r.dir, "tag", "v1", BRANCH);
  for (const setting of [
    "push.followTags=true",
    "push.default=matching",
    "remote.origin.push=+refs/heads/*:refs/heads/*",
  ]) {
    r.run(r.dir, "config", ...setting.split("="));
  }
  await writeFile(join(r.commonDir, "hooks", "pre-push"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  const before = await hashRepository(r.dir);
  const result = await bench.carryOut(pullRequest(r));
  assert.deepEqual(result, {
    remote: "origin",
    branch: BRANCH,
    url: null,
    next: `${BRANCH} is pushed to origin. Open a pull request for it into main where that is hosted.`,
  });
  assert.deepEqual(pushed(), [`${r.run(r.dir, "rev-parse", BRANCH)} refs/heads/${BRANCH}`]);
  assert.deepEqual(await bench.carryOut(pullRequest(r)), result, "done again, it comes to the same");
  // Every push writes down where the remote's branch is now.
  await rm(join(r.commonDir, "refs", "remotes"), { recursive: true });
  await rm(join(r.commonDir, "logs", "refs", "remotes"), { recursive: true });
  assert.equal(await hashRepository(r.dir), before);
  r.run(r.dir, "push", "--quiet", "--no-verify", bare, `+main:refs/heads/${BRANCH}`);
  const elsewhere = r.run(r.dir, "commit-tree", "-m", "Else", "-p", "main", "main^{tree}");
  r.run(r.dir, "push", "--quiet", "--no-verify", bare, `${elsewhere}:refs/heads/${BRANCH}`);
  await assert.rejects(bench.carryOut(pullRequest(r)), { code: "conflict", message: /does not take .*\[rejected\]/ });
  assert.deepEqual(pushed(), [`${elsewhere} refs/heads/${BRANCH}`]);
});

test("the remote is that of the branch merged into, else origin, else the only one", async () => {
  await using bench = await openHosted();
  const { repository: r, bare } = bench;
  const remoteOf = async (into: string | null) => (await bench.carryOut(pullRequest(r, { into }))).remote;
  r.run(r.dir, "remote", "add", "upstream", bare);
  assert.equal(await remoteOf("main"), "origin");
  r.run(r.dir, "config", "branch.main.remote", "upstream");
  assert.equal(await remoteOf("main"), "upstream");
  assert.equal(await remoteOf(null), "origin");
  r.run(r.dir, "config", "branch.main.remote", ".");
  assert.equal(await remoteOf("main"), "origin");
  r.run(r.dir, "remote", "rename", "origin", "third");
  await assert.rejects(remoteOf("main"), { code: "conflict", message: /several remotes \(third, upstream\)/ });
  r.run(r.dir, "remote", "remove", "upstream");
  assert.equal(await remoteOf("main"), "third");
  r.run(r.dir, "remote", "remove", "third");
  await assert.rejects(remoteOf("main"), { code: "conflict", hint: /git remote add/ });
  await assert.rejects(bench.carryOut(pullRequest(r, { branch: "nothing" })), { code: "not_found" });
});

test("a pull request is opened with gh, which is given the person's credentials and the text on stdin", async () => {
  await using bench = await openHosted({
    url: GITHUB,
    gh: `case "$2" in list) echo '[]';; create) echo ${PULL};; esac`,
  });
  const { repository: r } = bench;
  const result = await bench.carryOut(pullRequest(r, { draft: true, title: "--help", body: "Text\n`rm`" }));
  assert.deepEqual(result, { remote: "origin", branch: BRANCH, url: PULL, next: null });
  const list = ["pr", "list", "--head", BRANCH, "--state", "open", "--json", "url,isCrossRepository"];
  const create = [
    "pr",
    "create",
    "--head",
    BRANCH,
    "--base",
    "main",
    "--draft",
    "--title",
    "--help",
    "--body-file",
    "-",
  ];
  const repo = ["--repo", "github.com/ada/app"];
  assert.deepEqual(await bench.calls(), [
    [...list, ...repo],
    [...create, ...repo],
  ]);
  assert.equal(await readFile(join(r.root, "gh.stdin"), "utf8"), "Text\n`rm`");
  const environment = await readFile(join(r.root, "gh.env"), "utf8");
  assert.match(environment, /^GH_TOKEN=token$/m);
  assert.match(environment, /^GH_PROMPT_DISABLED=1$/m);
  assert.doesNotMatch(environment, /SECRET|MAKIMA/);
});

test("a pull request that is open already is found; one of somebody's fork is another one", async () => {
  const open = (url: string, fork: boolean) => JSON.stringify([{ url, isCrossRepository: fork }]);
  await using bench = await openHosted({
    url: "git@github.com:ada/app",
    gh: `[ $2 = list ] && echo '${open(PULL, false)}'`,
  });
  const { repository: r } = bench;
  assert.equal((await bench.carryOut(pullRequest(r))).url, PULL);
  assert.equal((await bench.calls()).length, 1);
  await bench.install(`case "$2" in list) echo '${open(PULL, true)}';; create) echo ${PULL}8;; esac`);
  assert.equal((await bench.carryOut(pullRequest(r, { into: null }))).url, `${PULL}8`);
  assert.deepEqual((await bench.calls()).at(-1)?.includes("--base"), false);
  await bench.install(`[ $2 = list ] && exit 0; echo 'a pull request already exists:' >&2; echo ${PULL} >&2; exit 1`);
  assert.equal((await bench.carryOut(pullRequest(r))).url, PULL);
});

test("where gh is missing or fails, the branch is pushed, and the person is told where to go on", async () => {
  await using bench = await openHosted({ url: "ssh://git@ssh.github.com:443/ada/app.git" });
  const { repository: r, pushed } = bench;
  const compare = `https://github.com/ada/app/compare/main...${BRANCH}?expand=1`;
  const without = await bench.carryOut(pullRequest(r));
  assert.deepEqual([without.url, without.next], [null, `gh was not started (no such command). Open it at ${compare}`]);
  assert.equal(pushed().length, 1);
  await bench.install("echo 'To get started with GitHub CLI, please run:  gh auth login' >&2; exit 4");
  const { next } = await bench.carryOut(pullRequest(r));
  assert.equal(
    next,
    `gh could not open it: To get started with GitHub CLI, please run: gh auth login Open it at ${compare}`,
  );
});

test("GitHub is github.com, and what the person's GH_HOST says", async () => {
  const gh = `case "$2" in list) echo '[]';; create) echo https://git.example.com/ada/app/pull/1;; esac`;
  await using bench = await openHosted({ url: "https://git.example.com/ada/app.git", gh });
  assert.equal((await bench.carryOut(pullRequest(bench.repository))).url, null);
  assert.deepEqual(await bench.calls(), []);
  bench.repository.environment["GH_HOST"] = "git.example.com";
  const { url } = await bench.carryOut(pullRequest(bench.repository));
  assert.equal(url, "https://git.example.com/ada/app/pull/1");
});

interface Hosting {
  /** What the remote `origin` seems to be; absent: the path of the bare repository that it is. */
  url?: string;
  /** Shell commands that `gh` is; absent: there is none. */
  gh?: string;
}

/** A task's branch in a repository with a remote, and a `gh` that keeps what it is called with. */
async function openHosted({ url, gh }: Hosting = {}) {
  const bench = await openOperations();
  const { repository: r } = bench;
  await taskWith(r, { "b.txt": "two\n" });
  const bare = join(r.root, "bare.git");
  r.run(r.root, "init", "--quiet", "--bare", bare);
  r.run(r.dir, "remote", "add", "origin", url ?? bare);
  if (url !== undefined) r.run(r.dir, "config", `url.${bare}.insteadOf`, url);
  const bin = join(r.root, "bin");
  await mkdir(bin);
  // No gh of this machine may be found: PATH names nothing but what is needed.
  for (const name of ["git", "sh", "env", "cat"]) {
    await symlink(execFileSync("/bin/sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim(), join(bin, name));
  }
  Object.assign(r.environment, { PATH: bin, GH_TOKEN: "token", SECRET: "secret" });
  const install = async (commands: string): Promise<void> => {
    const record = `printf '%s\\037' "$@" >>${r.root}/gh.calls; echo >>${r.root}/gh.calls; env >${r.root}/gh.env`;
    const script = `#!/bin/sh\n${record}\ncat >${r.root}/gh.stdin\n${commands}\n`;
    await writeFile(join(bin, "gh"), script, { mode: 0o755 });
  };
  if (gh !== undefined) await install(gh);
  // The daemon's git and gh get the environment as it is when the daemon starts.
  await bench.restart();
  return Object.assign(bench, {
    bare,
    install,
    /** `<commit> <ref>` of everything that the remote has. */
    pushed: () => r.run(bare, "for-each-ref", "--format=%(objectname) %(refname)").split("\n"),
    calls: async () => {
      const text = await readFile(join(r.root, "gh.calls"), "utf8").catch(() => "");
      return text.split("\n").flatMap((line) => (line === "" ? [] : [line.split("\x1f").slice(0, -1)]));
    },
  });
}

function pullRequest(
  r: TestRepository,
  fields: Partial<OrderOf<"CreatePullRequest">> = {},
): OrderOf<"CreatePullRequest"> {
  const texts = { title: "Title", body: "Body", draft: false };
  return { kind: "CreatePullRequest", repository: r.dir, branch: BRANCH, into: "main", ...texts, ...fields };
}
