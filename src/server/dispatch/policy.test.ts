import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { offers } from "./labels.ts";
import { choose, settle } from "./policy.ts";
import type { Head, Place, Round } from "./policy.ts";

/** A queue with all its tasks; the ids tell their age. */
interface Queue extends Omit<Head, "taskId"> {
  tasks: string[];
}

interface Facts {
  queues: Queue[];
  places: Place[];
  running: Record<string, number>;
  limits?: Readonly<Record<string, number | null>>;
}

interface Assignment {
  taskId: string;
  queue: Queue;
  daemonId: string;
  /** What the contract had before. */
  running: number;
}

/** A whole round: who gets what, in order, and what is left. */
function dispatch(
  { queues, places, running, limits = {} }: Facts,
  servedAt: Readonly<Record<string, number>> = {},
  now = 1,
) {
  const left = new Map(queues.map((queue) => [queue.queue, [...queue.tasks]]));
  const heads = queues.flatMap(({ tasks, ...queue }) => tasks.slice(0, 1).map((taskId) => ({ ...queue, taskId })));
  const contracts = queues.map(({ contractId }) => contractId);
  const share = (id: string) => ({
    running: running[id] ?? 0,
    limit: limits[id] ?? null,
    servedAt: servedAt[id] ?? 0,
  });
  let round: Round = { now, heads, places, shares: new Map(contracts.map((id) => [id, share(id)])) };
  const given: Assignment[] = [];
  for (let choice = choose(round); choice !== null; choice = choose(round)) {
    const { head, daemonId } = choice;
    const queue = queues.find((each) => each.queue === head.queue);
    const tasks = left.get(head.queue);
    assert.ok(queue !== undefined && tasks?.shift() === head.taskId);
    given.push({ taskId: head.taskId, queue, daemonId, running: round.shares.get(head.contractId)?.running ?? 0 });
    round = settle(round, choice, tasks[0] ?? null);
  }
  return { given, left, round };
}

const anyLabels = fc.dictionary(fc.constantFrom("gpu", "os"), fc.constantFrom("a", "b"), { maxKeys: 2 });
const anyPlaces = fc
  .array(fc.record({ free: fc.nat(4), offers: anyLabels }), { maxLength: 4 })
  .map((list) => list.map((place, index) => ({ daemonId: `d${index}`, ...place })));
const anyQueues = fc
  .array(
    fc.record({
      contractId: fc.constantFrom("c1", "c2", "c3"),
      role: fc.constantFrom("worker", "worker", "worker", "supervisor"),
      labels: anyLabels,
      home: fc.option(fc.constantFrom("d0", "d1", "gone"), { freq: 4 }),
      size: fc.nat(6),
    }),
    { maxLength: 8 },
  )
  .map((list) =>
    list.map(({ size, ...queue }, index) => ({
      ...queue,
      queue: `q${index}`,
      // Ids of different queues interleave.
      tasks: Array.from({ length: size }, (_, place) => `${place}-${index}`),
    })),
  );
const anyFacts: fc.Arbitrary<Facts> = fc.record({
  queues: anyQueues,
  places: anyPlaces,
  running: fc.dictionary(fc.constantFrom("c1", "c2", "c3"), fc.nat(3)),
  limits: fc.dictionary(fc.constantFrom("c1", "c2", "c3"), fc.option(fc.integer({ min: 1, max: 4 }))),
});

const worker = { role: "worker", labels: {}, home: null } as const;

function takes(place: Place, { labels, home }: Pick<Head, "labels" | "home">): boolean {
  return offers(place.offers, labels) && (home === null || home === place.daemonId);
}

/** Queues of workers that still wait for a place: their contracts may have more at work. */
function workersLeft({ queues }: Facts, left: ReadonlyMap<string, string[]>, { shares }: Round): Queue[] {
  return queues.filter(({ queue, role, contractId }) => {
    const share = shares.get(contractId);
    const mayHaveMore = share === undefined || share.limit === null || share.running < share.limit;
    return role === "worker" && left.get(queue)?.length !== 0 && mayHaveMore;
  });
}

test("the oldest task goes first, to the daemon with the most room", () => {
  const queue = { queue: "q", contractId: "c", ...worker, tasks: ["1", "2", "3", "4"] };
  const places = [
    { daemonId: "small", free: 1, offers: {} },
    { daemonId: "large", free: 2, offers: {} },
  ];
  const { given } = dispatch({ queues: [queue], places, running: {} });
  assert.deepEqual(
    given.map(({ taskId, daemonId }) => [taskId, daemonId]),
    [
      ["1", "large"],
      ["2", "small"],
      ["3", "large"],
    ],
  );
});

test("a contract with a thousand tasks does not keep one with a single task waiting", () => {
  const crowd = Array.from({ length: 1000 }, (_, index) => String(index).padStart(4, "0"));
  const queues = [
    { queue: "q1", contractId: "crowd", ...worker, tasks: crowd },
    { queue: "q2", contractId: "single", ...worker, tasks: ["9999"] },
  ];
  const places = [{ daemonId: "d", free: 1, offers: {} }];
  assert.deepEqual(
    dispatch({ queues, places, running: { crowd: 3 } }).given.map(({ taskId }) => taskId),
    ["9999"],
  );
  assert.deepEqual(
    dispatch({ queues, places, running: {} }, { crowd: 5 }).given.map(({ taskId }) => taskId),
    ["9999"],
  );
});

test("nobody gets more than there is room for, or what its daemon does not offer, or what belongs elsewhere", () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const { given } = dispatch(facts);
      assert.equal(new Set(given.map(({ taskId }) => taskId)).size, given.length);
      for (const place of facts.places) {
        const here = given.filter(({ daemonId }) => daemonId === place.daemonId);
        assert.ok(here.filter(({ queue }) => queue.role === "worker").length <= place.free);
        assert.ok(here.every(({ queue }) => takes(place, queue)));
      }
    }),
  );
});

test("no room stays empty while a task waits that could go there", () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const { left, round } = dispatch(facts);
      for (const queue of workersLeft(facts, left, round)) {
        assert.ok(!round.places.some((place) => place.free > 0 && takes(place, queue)));
      }
    }),
  );
});

test("whoever is left waiting for a place has at least as much as whoever got it had", () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const { given, left, round } = dispatch(facts);
      for (const queue of workersLeft(facts, left, round)) {
        const running = round.shares.get(queue.contractId)?.running ?? 0;
        for (const { daemonId, running: before } of given.filter((each) => each.queue.role === "worker")) {
          const place = facts.places.find((each) => each.daemonId === daemonId);
          if (place !== undefined && takes(place, queue)) assert.ok(before <= running);
        }
      }
    }),
  );
});

test("no contract ever has more workers than it may, unless it had them before", () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const { given } = dispatch(facts);
      for (const { queue, running } of given.filter((each) => each.queue.role === "worker")) {
        assert.ok(running < (facts.limits?.[queue.contractId] ?? Infinity));
      }
    }),
  );
});

test("every supervisor finds a place where its labels are offered, and takes none away", () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const { given, left } = dispatch(facts);
      for (const queue of facts.queues.filter(({ role }) => role === "supervisor")) {
        const placed = left.get(queue.queue)?.length === 0;
        assert.equal(placed, queue.tasks.length === 0 || facts.places.some((place) => takes(place, queue)));
      }
      const workers = facts.queues.filter(({ role }) => role === "worker");
      const alone = dispatch({ ...facts, queues: workers }).given;
      const order = (some: readonly Assignment[]) => some.map(({ taskId, daemonId }) => [taskId, daemonId]);
      assert.deepEqual(order(given.filter(({ queue }) => queue.role === "worker")), order(alone));
    }),
  );
});

test("what comes first does not depend on the order of the facts", () => {
  const shuffled = anyFacts.chain((facts) =>
    fc.tuple(fc.constant(facts), fc.shuffledSubarray(facts.queues, { minLength: facts.queues.length })),
  );
  fc.assert(
    fc.property(shuffled, ([facts, queues]) => {
      const order = (given: readonly Assignment[]) => given.map(({ taskId, daemonId }) => [taskId, daemonId]);
      assert.deepEqual(order(dispatch({ ...facts, queues }).given), order(dispatch(facts).given));
    }),
  );
});

test("with one place, contracts take turns, however many tasks each has", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 }), (sizes) => {
      let queues: Queue[] = sizes.map((size, index) => ({
        queue: `q${index}`,
        contractId: `c${index}`,
        ...worker,
        tasks: Array.from({ length: size }, (_, place) => `${index}-${place}`),
      }));
      const places = [{ daemonId: "d", free: 1, offers: {} }];
      const servedAt: Record<string, number> = {};
      const turns: string[] = [];
      // Each task is over before the next round.
      for (let now = 1; now <= sizes.length; now += 1) {
        const { given, left } = dispatch({ queues, places, running: {} }, servedAt, now);
        for (const { queue } of given) {
          servedAt[queue.contractId] = now;
          turns.push(queue.contractId);
        }
        queues = queues.map((queue) => ({ ...queue, tasks: left.get(queue.queue) ?? [] }));
      }
      assert.equal(new Set(turns).size, sizes.length);
    }),
  );
});
