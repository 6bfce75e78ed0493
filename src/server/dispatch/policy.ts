import type { Task } from "../../protocol/api.ts";
import type { Labels } from "../../protocol/labels.ts";
import { offers } from "./labels.ts";

/** A daemon that takes tasks. */
export interface Place {
  daemonId: string;
  /** Workers that it could take now; 0 or less: none. Supervisors take nobody's place. */
  free: number;
  offers: Labels;
}

/** The first task of a queue. */
export interface Head {
  queue: string;
  taskId: string;
  contractId: string;
  role: Task["role"];
  /** What its daemon must offer. */
  labels: Labels;
  /** The only daemon that it may go to; null: any. */
  home: string | null;
}

/** What a contract has got so far. */
export interface Share {
  /** Live runs of its workers. */
  running: number;
  /** Most of them at the same time; null: any number. */
  limit: number | null;
  /** When a worker of it was last given to a daemon, epoch ms; 0: never. */
  servedAt: number;
}

/** The facts of one dispatch. */
export interface Round {
  now: number;
  heads: readonly Head[];
  places: readonly Place[];
  /** By contract; one that is absent has got nothing. */
  shares: ReadonlyMap<string, Share>;
}

export interface Choice {
  head: Head;
  daemonId: string;
}

/**
 * Which task is next, and where it goes; null when nothing can be started. Of the tasks that some daemon takes:
 * supervisors first, for they weigh nothing and bring the others their work; then one of the contract with the fewest
 * running tasks, if it may have more; of equals, of the one served longest ago; of its tasks the oldest. It goes to the
 * daemon with the most room, of equals to the first.
 */
export function choose({ heads, places, shares }: Round): Choice | null {
  let best: Choice | null = null;
  for (const head of heads) {
    if (isHeldBack(head, shares) || (best !== null && !isBefore(head, best.head, shares))) continue;
    const daemonId = roomiest(places, head);
    if (daemonId !== null) best = { head, daemonId };
  }
  return best;
}

/** The round after a choice was carried out. `next`: the id of the task that is now the first of the same queue. */
export function settle(round: Round, { head, daemonId }: Choice, next: string | null): Round {
  const others = round.heads.filter(({ queue }) => queue !== head.queue);
  const heads = next === null ? others : [...others, { ...head, taskId: next }];
  if (head.role === "supervisor") return { ...round, heads };
  const share = shareOf(round.shares, head);
  return {
    now: round.now,
    heads,
    places: round.places.map((place) => (place.daemonId === daemonId ? { ...place, free: place.free - 1 } : place)),
    shares: new Map(round.shares).set(head.contractId, { ...share, running: share.running + 1, servedAt: round.now }),
  };
}

function isHeldBack(head: Head, shares: Round["shares"]): boolean {
  const { running, limit } = shareOf(shares, head);
  return head.role === "worker" && limit !== null && running >= limit;
}

function isBefore(a: Head, b: Head, shares: Round["shares"]): boolean {
  if (a.role !== b.role) return a.role === "supervisor";
  const [shareA, shareB] = [shareOf(shares, a), shareOf(shares, b)];
  if (shareA.running !== shareB.running) return shareA.running < shareB.running;
  if (shareA.servedAt !== shareB.servedAt) return shareA.servedAt < shareB.servedAt;
  return a.taskId < b.taskId;
}

const NOTHING: Share = { running: 0, limit: null, servedAt: 0 };

function shareOf(shares: Round["shares"], { contractId }: Head): Share {
  return shares.get(contractId) ?? NOTHING;
}

function roomiest(places: readonly Place[], { role, home, labels }: Head): string | null {
  let best: Place | null = null;
  for (const place of places) {
    if (place.free <= (best?.free ?? (role === "supervisor" ? -Infinity : 0))) continue;
    if ((home === null || home === place.daemonId) && offers(place.offers, labels)) best = place;
  }
  return best?.daemonId ?? null;
}
