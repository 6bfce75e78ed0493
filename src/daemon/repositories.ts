import { realpathSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, join, matchesGlob } from "node:path";
import { MakimaError } from "../core/errors.ts";

/**
 * Whether a daemon may work in a repository (its real path), by the globs of its own configuration. A pattern covers the
 * directory it names and everything below it; `~/` is the daemon's home. No patterns at all: everything is allowed.
 */
export function repositoryRule(patterns: readonly string[] | null, home: string): (path: string) => boolean {
  if (patterns === null) return () => true;
  const real = patterns.map((pattern) => resolveLinks(pattern.replace(/^~(?=\/|$)/, home)));
  return (path) => withParents(path).some((directory) => real.some((pattern) => matchesGlob(directory, pattern)));
}

/** Throws `forbidden` unless the rule allows the place that `path`, which comes from outside, really leads to. */
export async function requireAllowed(allows: (path: string) => boolean, path: string): Promise<void> {
  const directory = await realpath(path).catch(() => path);
  if (allows(directory)) return;
  throw new MakimaError("forbidden", `This daemon may not work in ${directory}`, {
    hint: "Add it to [daemon] repositories in the daemon's configuration.",
  });
}

/** The pattern with the symbolic links in front of its first wildcard followed, as they are in a real path. */
function resolveLinks(pattern: string): string {
  const whole = pattern.replace(/(?<=.)\/+$/, "");
  const [fixed = ""] = /^(?:[^*?[{(!+@]*(?:\/|$))?/.exec(whole) ?? [];
  try {
    return join(realpathSync(fixed), whole.slice(fixed.length));
  } catch {
    return whole;
  }
}

function withParents(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [path, ...withParents(parent)];
}
