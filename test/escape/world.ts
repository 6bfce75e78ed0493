import { execFileSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Checkout } from "../../src/daemon/checkout/checkout.ts";
import { createCheckout } from "../../src/daemon/checkout/create.ts";
import { writeLauncher } from "../../src/daemon/launcher.ts";
import type { Sandboxes } from "../../src/daemon/sandbox/sandboxes.ts";
import { paths as pathsIn } from "../../src/platform/config/paths.ts";
import { createGit } from "../../src/platform/git/git.ts";
import type { Git } from "../../src/platform/git/git.ts";
import { cli } from "../support/machine.ts";
import { writeFiles } from "../support/repository.ts";
import { MAKIMA_SECRETS, PERSONAL_SECRETS } from "./secret-files.ts";

/** In every secret, and nowhere else. */
const CANARY = "CANARY";

/** Where the things are that an escape would reach; everything lies below `root`. */
export interface World {
  root: string;
  home: string;
  /** makima's data directory. */
  makima: string;
  /** The person's checkout, on the branch main with two commits, and a linked worktree beside it. */
  repository: string;
  worktrees: string;
  /** Everybody may write to it. */
  outside: string;
}

/** What the daemon's own environment is: full of secrets. */
export type Surroundings = Readonly<Record<string, string>>;

export function worldAt(root: string): World {
  const home = join(root, "home");
  const makima = join(home, ".local/share/makima");
  const repository = join(home, "src/project");
  return { root, home, makima, repository, worktrees: pathsIn(makima).worktrees, outside: join(root, "outside") };
}

/** A person's machine: a home full of keys, a repository, makima's data with a key and another run in it. */
export async function makeWorld(root: string): Promise<World> {
  const world = worldAt(root);
  const { home, makima, outside } = world;
  const secrets = [
    ...PERSONAL_SECRETS.map((path) => join(home, path)),
    ...MAKIMA_SECRETS.map((path) => join(makima, path)),
    join(home, "vault/secret"),
    join(home, "deep/vault/secret"),
  ];
  await writeFiles("/", Object.fromEntries(secrets.map((path) => [path, `${CANARY}\n`])));
  await writeFiles(home, {
    ".bashrc": "true\n",
    ".gitconfig": "[user]\n\tname = Ada\n\temail = ada@example.com\n",
    ".claude/settings.json": "{}\n",
    "vault/shown/file": "shown\n",
  });
  await symlink("deep/vault", join(home, "deposit"));
  await mkdir(join(home, "shared"));
  await writeFiles(makima, { "daemon.lock": "", "runs/own/events": "{}\n" });
  await writeLauncher(pathsIn(makima).bin, { command: [process.execPath, cli], serverUrl: "http://127.0.0.1:9" });
  await mkdir(outside);
  await writeFile(join(outside, "canary"), "alive\n");
  makeRepository(world);
  return world;
}

export function environmentOf({ home }: World): Surroundings {
  return {
    PATH: `${join(process.execPath, "..")}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`,
    HOME: home,
    LANG: "C.UTF-8",
    TERM: "dumb",
    GITHUB_TOKEN: CANARY,
    SSH_AUTH_SOCK: "/run/agent.sock",
    DBUS_SESSION_BUS_ADDRESS: "unix:path=/run/bus",
  };
}

/** makima's git in this world. */
export function gitOf(world: World, sandboxes: Sandboxes): Git {
  return createGit(environmentOf(world), (dir) => sandboxes.forGit(dir));
}

/** The checkout of a task as makima makes it for a sandbox. */
export async function makeClone(world: World, taskId: string, sandboxes: Sandboxes): Promise<Checkout> {
  return createCheckout(gitOf(world, sandboxes), {
    kind: "clone",
    taskId,
    repository: { topLevel: world.repository, commonDir: join(world.repository, ".git") },
    branch: `makima/goal/${taskId}`,
    adoptBranch: false,
    baseCommit: gitIn(world, world.repository, "rev-parse", "HEAD"),
    dir: join(world.worktrees, taskId),
    includeChanges: false,
  });
}

/** git as the person types it; trimmed output. */
export function gitIn(world: World, cwd: string, ...args: string[]): string {
  const env = { ...environmentOf(world), GIT_CONFIG_NOSYSTEM: "1" };
  return execFileSync("git", args, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}

function makeRepository(world: World): void {
  const { repository } = world;
  execFileSync("git", ["init", "--quiet", "--template=", "--initial-branch=main", repository], {
    env: environmentOf(world),
  });
  const git = (...args: string[]) => gitIn(world, repository, ...args);
  for (const text of ["one", "two"]) {
    execFileSync("sh", ["-c", 'echo "$1" >> a.txt', "sh", text], { cwd: repository });
    git("add", "--all");
    git("commit", "--quiet", "--message", text);
  }
  git("branch", "other");
  git("worktree", "add", "--quiet", "-b", "linked", join(repository, "../linked"));
  git("gc", "--quiet");
}
