import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parse } from "./completion-gate.ts";
import { phasesOf } from "./phases.ts";
import { supervisorGoal, supervisorInstructions } from "./supervisor-prompt.ts";
import type { SupervisedContract } from "./supervisor-prompt.ts";

const CONTRACT: SupervisedContract = {
  type: "specification",
  phase: "research",
  phases: phasesOf("specification").map(({ phase, files }) => ({ phase, files: files.map(({ name }) => name) })),
  goals: ["It greets", "It is tested"],
  integrationBranch: "makima/greeter/integration-12345678",
};

suite("a supervisor's instructions", () => {
  const text = supervisorInstructions(CONTRACT);

  test("name the phases in their order, what each delivers, and where work comes together", () => {
    assert.match(text, /- research: delivers `research`\n- specify: [^]*- execute\n- review: delivers `review`\n/);
    assert.match(text, /makima\/greeter\/integration-12345678/);
  });

  test("show the format of the gate, are no claim themselves, and leave room for the work", () => {
    assert.equal(parse(text)?.ready, false);
    assert.ok(text.length < 6_000, `${text.length} characters`);
  });
});

suite("a supervisor's goal", () => {
  test("comes with the checklist and the phase", () => {
    assert.match(
      supervisorGoal("Make a greeter", CONTRACT),
      /^Make a greeter\n\nChecklist:\n- \[ \] It greets\n- \[ \] It is tested\n\nYou supervise [^]* in phase research /,
    );
    assert.match(supervisorGoal("Make a greeter", { ...CONTRACT, goals: [] }), /^Make a greeter\n\nYou supervise/);
  });
});
