import { matchesGlob } from "node:path";

/**
 * Whether a daemon may work in a repository, by the globs of its own configuration. A pattern covers the directory it
 * names and everything below it; `~/` is the daemon's home. No patterns at all: everything is allowed.
 */
export function repositoryRule(patterns: readonly string[] | null, home: string): (path: string) => boolean {
  if (patterns === null) return () => true;
  const absolute = patterns.map((pattern) => pattern.replace(/^~(?=\/|$)/, home).replace(/\/+$/, ""));
  return (path) => absolute.some((pattern) => matchesGlob(path, pattern) || matchesGlob(path, `${pattern}/**`));
}
