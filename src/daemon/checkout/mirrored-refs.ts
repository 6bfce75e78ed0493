import { textOf } from "../../platform/git/git.ts";
import type { Git, GitLocation } from "../../platform/git/git.ts";

/**
 * Branches and tags of a repository as git keeps them in one file (`packed-refs`), each branch but `own` as a remote one
 * of the same name.
 */
export async function mirroredRefs(git: Git, at: GitLocation, own: string | null): Promise<string> {
  const format = "--format=%(objectname) %(*objectname) %(refname)";
  const patterns = ["refs/heads", "refs/remotes", "refs/tags"];
  const listed = textOf(await git(at, ["for-each-ref", format, "--end-of-options", ...patterns]));
  const refs = (listed === "" ? [] : listed.split("\n")).flatMap((line) => {
    const [id = "", peeled = "", name = ""] = line.split(" ");
    return name === `refs/heads/${own}` ? [] : [{ id, peeled, name }];
  });
  const branches = refs.filter(({ name }) => name.startsWith(BRANCHES));
  const mirrored = new Map(
    [...withoutClashes(refs, branches), ...branches].map((ref) => [ref.name.replace(BRANCHES, "refs/remotes/"), ref]),
  );
  const sorted = [...mirrored].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const lines = sorted.map(([name, { id, peeled }]) => `${id} ${name}\n${peeled === "" ? "" : `^${peeled}\n`}`);
  return `# pack-refs with: peeled fully-peeled sorted \n${lines.join("")}`;
}

const BRANCHES = "refs/heads/";

interface Ref {
  id: string;
  /** The commit of an annotated tag; else empty. */
  peeled: string;
  name: string;
}

/** All but the branches, without those whose names branches need: a ref can be no directory for others. */
function withoutClashes(refs: readonly Ref[], branches: readonly Ref[]): Ref[] {
  const names = new Set(branches.map(({ name }) => name.replace(BRANCHES, "refs/remotes/")));
  const taken = new Set([...names, ...[...names].flatMap(parentsOf)]);
  return refs.filter(({ name }) => {
    return !name.startsWith(BRANCHES) && !taken.has(name) && !parentsOf(name).some((parent) => names.has(parent));
  });
}

function parentsOf(name: string): string[] {
  const parts = name.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}
