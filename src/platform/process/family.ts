import type { ProcessEntry } from "./identity.ts";

/**
 * The processes of `known` and all that they have brought about and can still be told by: their descendants, and the
 * members of the groups and sessions that they lead. `spared` is never among them, nor are its children for its sake.
 *
 * That is as certain as `known` is: while a process lives, nobody else's parent, group or session has its number.
 */
export function familyOf(
  known: ReadonlySet<number>,
  table: readonly ProcessEntry[],
  { spared }: { spared: number },
): ProcessEntry[] {
  const others = table.filter(({ pid }) => pid !== spared);
  const kinships = (["parent", "group", "session"] as const).map((kind) => Map.groupBy(others, (entry) => entry[kind]));
  const family = new Set(others.filter(({ pid }) => known.has(pid)));
  // What is added while it is walked through is walked through, too.
  for (const { pid } of family) {
    for (const kin of kinships) kin.get(pid)?.forEach((entry) => family.add(entry));
  }
  return [...family];
}
