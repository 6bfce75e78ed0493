import { realpathSync } from "node:fs";
import { dirname, join, matchesGlob } from "node:path";

/**
 * Whether a daemon may work in a repository (its real path), by the globs of its own configuration. A pattern covers the
 * directory it names and everything below it; `~/` is the daemon's home. No patterns at all: everything is allowed.
 */
export function repositoryRule(patterns: readonly string[] | null, home: string): (path: string) => boolean {
  if (patterns === null) return () => true;
  const real = patterns.map((pattern) => resolveLinks(pattern.replace(/^~(?=\/|$)/, home)));
  return (path) => withParents(path).some((directory) => real.some((pattern) => matchesGlob(directory, pattern)));
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
