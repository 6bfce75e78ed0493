import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, OUTAGE } from "./policy.ts";
import type { Judgement, Sighting, Vigil } from "./policy.ts";

const LIMITS = { deadAfterMs: 15_000, lostAfterMs: 60_000, longestStepMs: 3_000 };

/** Looks at one moment after the other, and gives what was judged at each. */
function watch(looks: readonly { now: number; sightings: readonly Sighting[] }[]): Judgement[] {
  let vigil: Vigil | null = null;
  return looks.map(({ now, sightings }) => {
    const judgement = judge(vigil, now, sightings, LIMITS);
    vigil = judgement.vigil;
    return judgement;
  });
}

/** A look every two seconds for `seconds`, at the same thing. */
function stare(sightings: readonly Sighting[], seconds: number, from = 0) {
  return Array.from({ length: seconds / 2 + 1 }, (_, index) => ({ now: from + index * 2_000, sightings }));
}

function away(daemonId: string, leases = 1): Sighting {
  return { daemonId, online: false, lastSeenAt: 7, leases };
}

function here(daemonId: string, leases = 1): Sighting {
  return { ...away(daemonId, leases), online: true };
}

function names(sightings: readonly Sighting[]): string[] {
  return sightings.map(({ daemonId }) => daemonId);
}

test("a daemon that shows no sign of life is offline after its time, and one that does never is", () => {
  const looks = stare([], 30).map(({ now }) => ({
    now,
    sightings: [here("mute"), { ...here("well"), lastSeenAt: now }],
  }));
  const silent = watch(looks).map((judgement) => names(judgement.silent));
  assert.deepEqual(silent.slice(0, 8).flat(), []);
  for (const found of silent.slice(8)) assert.deepEqual(found, ["mute"]);
});

test("a daemon is lost when it has been away for so long; one that was back in between has its time again", () => {
  const looks = stare([away("gone"), away("flaps"), here("here", 9)], 60).map(({ now, sightings }) => ({
    now,
    sightings: sightings.map((it) => (it.daemonId === "flaps" && now >= 40_000 ? { ...it, lastSeenAt: 8 } : it)),
  }));
  const judgements = watch(looks);
  assert.deepEqual(
    judgements.slice(0, -1).flatMap(({ lost }) => lost),
    [],
  );
  assert.deepEqual(names(judgements.at(-1)?.lost ?? []), ["gone"]);
});

test("most leases lost at once: nothing is taken until the daemons had as much time again", () => {
  const fleet = [away("a", 2), away("b", 2), away("c", 1), here("d", 4)];
  const judgements = watch(stare(fleet, 120));
  assert.deepEqual(
    judgements.map(({ spared }) => spared.length).filter((count) => count > 0),
    [3],
  );
  assert.deepEqual(names(judgements[30]?.spared ?? []), ["a", "b", "c"]);
  assert.deepEqual(
    judgements.slice(0, 60).flatMap(({ lost }) => lost),
    [],
  );
  assert.deepEqual(names(judgements[60]?.lost ?? []), ["a", "b", "c"]);
});

test("few leases, or half of them, are no outage", () => {
  const last = (fleet: Sighting[]) => names(watch(stare(fleet, 60)).at(-1)?.lost ?? []);
  assert.deepEqual(last([away("a", OUTAGE - 1)]), ["a"]);
  assert.deepEqual(last([away("a", OUTAGE), here("b", OUTAGE)]), ["a"]);
  assert.deepEqual(last([away("a", OUTAGE), here("b", OUTAGE - 1)]), []);
});

const anySighting = fc.record({
  daemonId: fc.constantFrom("a", "b", "c", "d"),
  online: fc.boolean(),
  lastSeenAt: fc.constantFrom(1, 2),
  leases: fc.nat(6),
});
const anyFleet = fc.uniqueArray(anySighting, { selector: ({ daemonId }) => daemonId });
/** Also backwards, and by hours: a clock that is set, a laptop that sleeps. */
const anyJump = fc.oneof({ weight: 5, arbitrary: fc.constant(2_000) }, fc.integer({ min: -9e6, max: 9e6 }));
const anyHistory = fc.array(fc.tuple(anyFleet, anyJump, fc.integer({ min: 1, max: 40 })), { maxLength: 8 });

function looksOf(history: readonly [Sighting[], number, number][]) {
  let now = 0;
  return history.flatMap(([sightings, jump, times]) =>
    Array.from({ length: times }, () => ({ now: (now += jump), sightings })),
  );
}

test("whatever the clock does: nobody is lost before it was seen away for that long, look by look", () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const looks = looksOf(history);
      const judgements = watch(looks);
      for (const [index, { lost, silent }] of judgements.entries()) {
        const needed = (ms: number) => Math.ceil(ms / LIMITS.longestStepMs);
        for (const daemon of lost) {
          assert.ok(!daemon.online && daemon.leases > 0);
          assert.ok(seenSo(looks.slice(0, index + 1), daemon) > needed(LIMITS.lostAfterMs));
        }
        for (const daemon of silent) {
          assert.ok(daemon.online && seenSo(looks.slice(0, index + 1), daemon) > needed(LIMITS.deadAfterMs));
        }
      }
    }),
  );
});

test("after any history, a daemon that stays away is lost after twice its time at most, and only spared once", () => {
  fc.assert(
    fc.property(anyHistory, anyFleet, (history, fleet) => {
      const before = looksOf(history);
      const present = before.at(-1)?.now ?? 0;
      const judgements = watch([...before, ...stare(fleet, 2 * 60 + 2, present + 2_000)]);
      const expected = names(fleet.filter(({ online, leases }) => !online && leases > 0));
      assert.deepEqual(names(judgements.at(-1)?.lost ?? []), expected);
      const spared = judgements.slice(before.length).flatMap((judgement) => names(judgement.spared));
      assert.equal(new Set(spared).size, spared.length);
    }),
  );
});

test("in an outage nobody is lost who was not spared before", () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const looks = looksOf(history);
      const spared = new Set<string>();
      for (const [index, judgement] of watch(looks).entries()) {
        const sightings = looks[index]?.sightings ?? [];
        const all = sightings.reduce((sum, { leases }) => sum + leases, 0);
        const gone = sightings.reduce((sum, { online, leases }) => sum + (online ? 0 : leases), 0);
        if (gone >= OUTAGE && gone > all / 2) assert.ok(names(judgement.lost).every((name) => spared.has(name)));
        for (const name of names(judgement.spared)) spared.add(name);
      }
    }),
  );
});

/** For how many looks in a row, up to the last, a daemon has been seen to be so. */
function seenSo(
  looks: readonly { sightings: readonly Sighting[] }[],
  { daemonId, online, lastSeenAt }: Sighting,
): number {
  const different = looks.findLastIndex(
    ({ sightings }) =>
      !sightings.some((it) => it.daemonId === daemonId && it.online === online && it.lastSeenAt === lastSeenAt),
  );
  return looks.length - 1 - different;
}
