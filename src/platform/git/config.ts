import type { Git, GitLocation } from "./git.ts";

/** One setting: its full name, as `git config --list` prints it (`filter.lfs.clean`); null: a name without a value. */
export type Setting = readonly [name: string, value: string | null];

/** What the repository's own configuration says, with the files that it includes, in the order in which it counts. */
export async function readSettings(git: Git, at: GitLocation): Promise<Setting[]> {
  const { stdout } = await git(at, ["config", "--local", "--includes", "--null", "--list"]);
  const records = stdout.toString("utf8").split("\0").slice(0, -1);
  return records.map((record) => {
    const end = record.indexOf("\n");
    return end < 0 ? [record, null] : [record.slice(0, end), record.slice(end + 1)];
  });
}

/** A configuration file with these settings. */
export function formatSettings(settings: readonly Setting[]): string {
  return settings.map(([name, value]) => `${sectionOf(name)}\n\t${assignment(name, value)}\n`).join("");
}

function sectionOf(name: string): string {
  const start = name.indexOf(".");
  const end = name.lastIndexOf(".");
  const section = name.slice(0, start);
  if (start === end) return `[${section}]`;
  return `[${section} "${name.slice(start + 1, end).replaceAll(/["\\]/g, "\\$&")}"]`;
}

function assignment(name: string, value: string | null): string {
  const key = name.slice(name.lastIndexOf(".") + 1);
  if (value === null) return key;
  const escaped = value.replaceAll(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t");
  return `${key} = "${escaped}"`;
}
