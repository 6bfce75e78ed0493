/** Which tasks each task waits for, by id. */
export type Dependencies = ReadonlyMap<string, readonly string[]>;

/**
 * A cycle among what `start` waits for, directly or not: its tasks in an order in which each waits for the next, and the
 * last for the first. null where there is none. Looks at each task and dependency once, and takes chains of any length.
 */
export function findCycle(after: Dependencies, start: string): string[] | null {
  const path: Step[] = [{ id: start, seen: 0 }];
  const onPath = new Set([start]);
  const clear = new Set<string>();
  for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
    const id = after.get(step.id)?.[step.seen];
    step.seen += 1;
    if (id === undefined) {
      path.pop();
      onPath.delete(step.id);
      clear.add(step.id);
    } else if (onPath.has(id)) {
      const ids = path.map((passed) => passed.id);
      return ids.slice(ids.indexOf(id));
    } else if (!clear.has(id)) {
      path.push({ id, seen: 0 });
      onPath.add(id);
    }
  }
  return null;
}

interface Step {
  id: string;
  /** How many of its dependencies have been looked at. */
  seen: number;
}
