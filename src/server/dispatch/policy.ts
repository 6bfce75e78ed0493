export interface Place {
  daemonId: string;
  /** Tasks that it could take now. */
  free: number;
}

export interface Assignment {
  taskId: string;
  daemonId: string;
}

/** Which pending task goes where: the oldest first, each to the daemon with the most room, of equals the first. */
export function assign(pending: readonly string[], places: readonly Place[]): Assignment[] {
  const free = new Map(places.map((place) => [place.daemonId, place.free]));
  const assignments: Assignment[] = [];
  for (const taskId of pending) {
    const [daemonId, room] = roomiest(free);
    if (daemonId === null) break;
    free.set(daemonId, room - 1);
    assignments.push({ taskId, daemonId });
  }
  return assignments;
}

function roomiest(free: ReadonlyMap<string, number>): [daemonId: string | null, room: number] {
  let best: [string | null, number] = [null, 0];
  for (const [daemonId, room] of free) if (room > best[1]) best = [daemonId, room];
  return best;
}
