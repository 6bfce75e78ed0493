import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isErrno, writeAtomic } from "../../platform/files.ts";
import { both } from "../../platform/git/both.ts";
import { readIdentity } from "../../platform/git/commit.ts";
import { formatSettings, readSettings } from "../../platform/git/config.ts";
import type { Setting } from "../../platform/git/config.ts";
import type { Git, GitLocation } from "../../platform/git/git.ts";
import { cloneConfig, cloneIndexes, repositoryAt } from "./checkout.ts";
import { mirroredRefs } from "./mirrored-refs.ts";

/** What a clone is to be: of which repository, and where its HEAD is. */
export interface CloneSpec {
  commonDir: string;
  commit: string;
  /** Short name of the branch that HEAD is on; null: on none. */
  branch: string | null;
}

/**
 * Makes `.git` in `dir`, and beside it what makima's own git needs in the clone. It borrows the repository's objects, has
 * one branch at most, and shows the repository's other branches as remote ones under their own names: `git diff main`
 * means in it what it means in a linked worktree, and `git fetch` brings it up to date. No file is checked out.
 */
export async function makeGitDirectory(git: Git, dir: string, spec: CloneSpec): Promise<string> {
  const { commonDir, commit, branch } = spec;
  const at = repositoryAt(spec);
  const [settings, refs] = await both(settingsOf(git, at), mirroredRefs(git, at, branch));
  await mkdir(cloneIndexes(dir), { recursive: true, mode: 0o700 });
  await writeAtomic(cloneConfig(dir), formatSettings(settings));
  const gitDir = join(dir, ".git");
  const files: Record<string, string> = {
    config: formatSettings([...settings, ...originOf(spec)]),
    "objects/info/alternates": `${commonDir}/objects\n`,
    "packed-refs": refs,
    ...(branch === null ? {} : { [`refs/heads/${branch}`]: `${commit}\n` }),
  };
  for (const path of DIRECTORIES) await mkdir(join(gitDir, path), { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(gitDir, path)), { recursive: true });
    await writeFile(join(gitDir, path), content);
  }
  for (const path of COPIED) await copyIfThere(join(commonDir, path), join(gitDir, path));
  // Last: a directory without HEAD is no repository to git, so that none is found half made.
  await writeFile(join(gitDir, "HEAD"), branch === null ? `${commit}\n` : `ref: refs/heads/${branch}\n`);
  return gitDir;
}

const DIRECTORIES = ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info"];

/** What says which files count, how they are stored, and where history ends. */
const COPIED = ["info/exclude", "info/attributes", "shallow"];

/** Settings of a repository that decide what becomes of a file's content; all others stay behind. */
const CONTENT =
  /^(core\.(filemode|symlinks|ignorecase|precomposeunicode|autocrlf|eol|checkroundtripencoding)|filter\..*)$/;
const MORE_CONTENT = /^(core\.(bigfilethreshold|checkstat|trustctime|attributesfile|excludesfile)|i18n\..*)$/;

async function settingsOf(git: Git, at: GitLocation): Promise<Setting[]> {
  const [all, identity] = await both(readSettings(git, at), readIdentity(git, at));
  const format = all.filter(([name]) => name === "extensions.objectformat");
  return [
    ["core.repositoryformatversion", format.length > 0 ? "1" : "0"],
    ["core.bare", "false"],
    ["core.logallrefupdates", "true"],
    ...format,
    ...all.filter(([name]) => CONTENT.test(name) || MORE_CONTENT.test(name)),
    ...(identity === null
      ? []
      : ([
          ["user.name", identity.name],
          ["user.email", identity.email],
        ] as const)),
  ];
}

/** For the agent's `git fetch`; the branch that is its own is not among the others. */
function originOf({ commonDir, branch }: CloneSpec): Setting[] {
  return [
    ["remote.origin.url", commonDir],
    ["remote.origin.fetch", "+refs/heads/*:refs/remotes/*"],
    // The person's remote branches lie among them, as they were when the clone was made.
    ["remote.origin.prune", "false"],
    ...(branch === null ? [] : ([["remote.origin.fetch", `^refs/heads/${branch}`]] as const)),
  ];
}

async function copyIfThere(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to);
  } catch (error) {
    if (!isErrno(error, "ENOENT") && !isErrno(error, "ENOTDIR")) throw error;
  }
}
