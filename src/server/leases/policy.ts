/** What a look at the database shows of a daemon that is online or holds something. */
export interface Sighting {
  daemonId: string;
  online: boolean;
  /** Only ever compared with what it was before, so that nobody's clock matters. */
  lastSeenAt: number;
  /** Its live runs, and the operations that it has not answered. */
  leases: number;
}

/** What is known from the looks before this one. Times in ms; `at` is the last look's, by the clock of this server. */
export interface Vigil {
  at: number;
  standings: ReadonlyMap<string, Standing>;
}

interface Standing {
  online: boolean;
  lastSeenAt: number;
  /** Watched time since it has been seen to be so. */
  lasted: number;
  /** Watched time that an offline daemon has to return before it is lost; null: as long as every daemon. */
  extended: number | null;
}

interface Limits {
  /** Silence of a daemon that is online, after which it is offline. */
  deadAfterMs: number;
  /** Time offline after which a daemon is lost. */
  lostAfterMs: number;
  /**
   * Most watched time between two looks. Where more has gone by, this server was stopped, asleep or without its database,
   * or its clock was set: nobody could have connected, and nobody was watched.
   */
  longestStepMs: number;
}

export interface Judgement {
  vigil: Vigil;
  /** Online, but silent for too long: they are offline. */
  silent: Sighting[];
  /** Offline for too long: others get their tasks. */
  lost: Sighting[];
  /** They were to be lost, but so many at once that the fault is on this side: they have as much time again. */
  spared: Sighting[];
}

/** Leases on offline daemons from which on, when they are also over half of all, it is not the daemons that are away. */
export const OUTAGE = 5;

/**
 * Who is offline, and who is lost. Time counts only while it is watched, from the first look on: a server that was away
 * gives everybody as long to return as if they had just left. Several servers may judge the same daemons.
 */
export function judge(before: Vigil | null, now: number, sightings: readonly Sighting[], limits: Limits): Judgement {
  const step = before === null ? 0 : Math.min(Math.max(0, now - before.at), limits.longestStepMs);
  const watched = sightings.map((sighting) => {
    return { sighting, standing: next(before?.standings.get(sighting.daemonId), sighting, step) };
  });
  const due = watched.filter((it) => isOver(it, limits));
  const spared = isOutage(sightings) && due.some(isFirst) ? watched.filter(isAway).filter(isFirst) : [];
  const standings = new Map(watched.map(({ sighting, standing }) => [sighting.daemonId, standing]));
  for (const { sighting, standing } of spared) {
    standings.set(sighting.daemonId, { ...standing, extended: standing.lasted + limits.lostAfterMs });
  }
  return {
    vigil: { at: now, standings },
    silent: watched.filter(({ standing }) => standing.online && standing.lasted >= limits.deadAfterMs).map(sightingOf),
    lost: due.filter((it) => !spared.includes(it)).map(sightingOf),
    spared: spared.map(sightingOf),
  };
}

interface Watched {
  sighting: Sighting;
  standing: Standing;
}

function next(before: Standing | undefined, { online, lastSeenAt }: Sighting, step: number): Standing {
  const same = before?.online === online && before.lastSeenAt === lastSeenAt;
  return same ? { ...before, lasted: before.lasted + step } : { online, lastSeenAt, lasted: 0, extended: null };
}

function isOver(watched: Watched, { lostAfterMs }: Limits): boolean {
  const { lasted, extended } = watched.standing;
  return isAway(watched) && lasted >= (extended ?? lostAfterMs);
}

function isAway({ sighting }: Watched): boolean {
  return !sighting.online && sighting.leases > 0;
}

/** Nobody is spared twice. */
function isFirst({ standing }: Watched): boolean {
  return standing.extended === null;
}

function isOutage(sightings: readonly Sighting[]): boolean {
  const all = countLeases(sightings);
  const away = countLeases(sightings.filter(({ online }) => !online));
  return away >= OUTAGE && away > all / 2;
}

function countLeases(sightings: readonly Sighting[]): number {
  return sightings.reduce((sum, { leases }) => sum + leases, 0);
}

function sightingOf({ sighting }: Watched): Sighting {
  return sighting;
}
