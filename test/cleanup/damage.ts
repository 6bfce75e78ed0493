import { appendFile, chmod, mkdir, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "../../src/platform/files.ts";
import type { TestRepository } from "../support/repository.ts";
import type { Chance } from "./chance.ts";

/** A checkout in the hands of an agent, or of a person. */
export interface Victim {
  repository: TestRepository;
  kind: "worktree" | "clone";
  taskId: string;
  dir: string;
  /** A directory outside that nobody may touch. */
  precious: string;
  /** Commits made here that must not be lost. */
  commits: string[];
}

/** What it comes to, where it is more than dirt: not to be removed before it is mended, or no longer there. */
export type Effect = { kind: "unremovable"; mend: () => Promise<void> } | { kind: "gone"; to: string | null };
type Damage = (victim: Victim, chance: Chance) => Promise<Effect | void>;

let made = 0;

/** Content that is nowhere else. */
function content(chance: Chance): string {
  made += 1;
  return `${made} ${"x".repeat(chance.below(3_000))}\n`;
}

function commit({ repository: r, dir, commits }: Victim): void {
  r.run(dir, "commit", "--quiet", "--allow-empty", "--message=Work");
  commits.push(r.run(dir, "rev-parse", "HEAD"));
}

const NAMES = [
  "plain.txt",
  "with space",
  "-dash",
  "ünïcode",
  "line\nbreak",
  "deep/er/file",
  "*",
  ".hidden",
  "a.txt.orig",
];

/** Changes that leave the checkout where it is. */
export const DIRT: Record<string, Damage> = {
  "edits a tracked file": ({ dir }, chance) => writeFile(join(dir, "a.txt"), content(chance)),
  "deletes a tracked file": ({ dir }) => rm(join(dir, "a.txt"), { force: true }),
  "writes a new file": async ({ dir }, chance) => {
    const path = join(dir, chance.oneOf(NAMES));
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, content(chance));
  },
  "writes an ignored file": async ({ dir }, chance) => {
    await mkdir(join(dir, "ignored", "deep"), { recursive: true });
    await writeFile(join(dir, "ignored", "deep", "file"), content(chance));
  },
  "makes a file executable, and empties one": async ({ dir }, chance) => {
    await writeFile(join(dir, "tool"), content(chance), { mode: 0o755 });
    await writeFile(join(dir, "empty"), "");
  },
  "stages, and changes it again": async ({ repository: r, dir }, chance) => {
    await writeFile(join(dir, "staged"), content(chance));
    r.run(dir, "add", "staged");
    await appendFile(join(dir, "staged"), content(chance));
  },
  "tells git to overlook a change": async ({ repository: r, dir }, chance) => {
    made += 1;
    const name = `overlooked-${made}`;
    await writeFile(join(dir, name), content(chance));
    r.run(dir, "add", name);
    r.run(dir, "update-index", chance.oneOf(["--assume-unchanged", "--skip-worktree"]), name);
    await writeFile(join(dir, name), content(chance));
  },
  "commits everything": async (victim, chance) => {
    await writeFile(join(victim.dir, "committed"), content(chance));
    victim.repository.run(victim.dir, "add", "--all");
    commit(victim);
  },
  "commits on a detached HEAD": async (victim, chance) => {
    const { repository: r, dir } = victim;
    r.run(dir, "checkout", "--quiet", "--detach");
    await writeFile(join(dir, "adrift"), content(chance));
    r.run(dir, "add", "adrift");
    commit(victim);
  },
  "commits on a branch of its own": async ({ repository: r, dir, taskId, commits }) => {
    made += 1;
    const side = r.run(dir, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", `Side ${made}`);
    r.run(dir, "branch", `makima/goal/${taskId}-side-${made}`, side);
    commits.push(side);
  },
  "closes a directory": async ({ dir }, chance) => {
    made += 1;
    const closed = join(dir, `closed-${made}`);
    await mkdir(join(closed, "inner"), { recursive: true });
    await writeFile(join(closed, "inner", "file"), content(chance));
    await chmod(join(closed, "inner"), 0o555);
    await chmod(closed, 0o555);
  },
  "makes links that lead out, nowhere and round": async ({ dir, precious }) => {
    made += 1;
    const targets = { out: precious, file: join(precious, "file"), nowhere: "/nowhere", round: ".", root: "/" };
    for (const [name, to] of Object.entries(targets)) await symlink(to, join(dir, `${name}-${made}`));
  },
};

/** Changes after which no other can be made. */
export const ENDS: Record<string, Damage> = {
  "leaves a lock on the index": async ({ repository: r, dir }) => {
    await writeFile(r.run(dir, "rev-parse", "--path-format=absolute", "--git-path", "index.lock"), "");
  },
  "makes a repository of its own inside": async (victim, chance) => {
    const { repository: r, dir } = victim;
    const inner = join(dir, "inner repository");
    r.run(dir, "init", "--quiet", inner);
    await writeFile(join(inner, "file"), content(chance));
    if (chance.once(2)) {
      r.run(inner, "add", "--all");
      r.run(inner, "commit", "--quiet", "--message=Inner");
      if (chance.once(2)) {
        r.run(dir, "add", inner);
        commit(victim);
      }
    }
    return { kind: "unremovable", mend: () => rename(inner, `${dir.replace("worktrees", "saved")}-${(made += 1)}`) };
  },
  "has a link put in its place": async ({ dir, precious }) => {
    await rename(dir, `${dir}.aside`);
    await symlink(precious, dir);
    return {
      kind: "unremovable",
      mend: async () => {
        await unlink(dir);
        await rename(`${dir}.aside`, dir);
      },
    };
  },
  "is deleted by hand": async ({ dir }) => {
    await rm(dir, { recursive: true });
    return { kind: "gone", to: null };
  },
  "is moved by hand": async ({ repository: r, kind, dir }, chance) => {
    const to = `${dir.replace("worktrees", "saved")}-${(made += 1)}`;
    const locked = await exists(join(dir, ".git", "index.lock"));
    if (kind === "worktree" && !locked && chance.once(2)) r.run(r.dir, "worktree", "move", dir, to);
    else await rename(dir, to);
    return { kind: "gone", to };
  },
};
