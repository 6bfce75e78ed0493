import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { CONTRACT_TYPES, deliverablesOf, firstPhase, nextPhase, phasesOf, PHASES } from "./phases.ts";
import type { ContractType, Phase, PhaseTask } from "./phases.ts";

const NOTHING = { files: new Set<string>(), tasks: [] };

test("each type goes through its phases in order, and ends", () => {
  const walked = (type: ContractType) => {
    const phases: Phase[] = [];
    for (let phase: Phase | null = firstPhase(type); phase !== null; phase = nextPhase(type, phase)) phases.push(phase);
    return phases;
  };
  assert.deepEqual(walked("simple"), ["plan", "execute"]);
  assert.deepEqual(walked("specification"), ["research", "specify", "plan", "execute", "review"]);
  for (const type of CONTRACT_TYPES)
    assert.deepEqual(
      walked(type),
      phasesOf(type).map(({ phase }) => phase),
    );
  assert.equal(nextPhase("simple", "research"), null);
});

test("in the last phase of each type every task must be completed", () => {
  for (const type of CONTRACT_TYPES) assert.equal(phasesOf(type).at(-1)?.tasks, true, type);
});

test("what is missing is named", () => {
  const missing = (type: ContractType, phase: Phase, facts: Parameters<typeof deliverablesOf>[2]) =>
    deliverablesOf(type, phase, facts).map((one) => one.missing);
  assert.deepEqual(missing("simple", "plan", NOTHING), ["The file plan is not written"]);
  assert.deepEqual(missing("simple", "plan", { ...NOTHING, files: new Set(["plan"]) }), [null]);
  assert.deepEqual(missing("simple", "execute", NOTHING), ["No task has been spawned"]);
  const task = (name: string, completed: boolean, merged = true): PhaseTask => ({ name, completed, merged });
  const some = [task("a", true), task("b", false), task("c", true, false)];
  assert.deepEqual(missing("simple", "execute", { ...NOTHING, tasks: some }), ["Not completed: b; Not merged: c"]);
  const many = Array.from({ length: 8 }, (_, index) => task(`t${index}`, false));
  assert.deepEqual(missing("simple", "execute", { ...NOTHING, tasks: many }), [
    "Not completed: t0, t1, t2, t3, t4 and 3 more",
  ]);
  assert.deepEqual(missing("specification", "review", NOTHING), [
    "The file review is not written",
    "No task has been spawned",
  ]);
  assert.deepEqual(missing("simple", "research", NOTHING), []);
});

const type = fc.constantFrom(...CONTRACT_TYPES);
const phase = fc.constantFrom(...PHASES);
const task = fc.record({ name: fc.string(), completed: fc.boolean(), merged: fc.boolean() });
const written = fc.uniqueArray(fc.constantFrom("plan", "research", "specification", "review", "other"));

test("a deliverable is done exactly when nothing of it is missing, and another file never undoes one", () => {
  fc.assert(
    fc.property(type, phase, fc.array(task), written, written, (of, at, tasks, files, more) => {
      const before = deliverablesOf(of, at, { files: new Set(files), tasks });
      const after = deliverablesOf(of, at, { files: new Set([...files, ...more]), tasks });
      for (const { done, missing } of before) assert.equal(done, missing === null);
      for (const [index, { done }] of before.entries()) if (done) assert.equal(after[index]?.done, true);
      const work = before.find(({ kind }) => kind === "tasks");
      const ready = tasks.length > 0 && tasks.every(({ completed, merged }) => completed && merged);
      if (work !== undefined) assert.equal(work.done, ready);
    }),
  );
});
