import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { newSupervisedWorld } from "../../../../test/support/supervised.ts";
import type { SupervisedWorld } from "../../../../test/support/supervised.ts";
import { shortId } from "../../../core/ids.ts";
import { iterationStarted } from "../../../server/testing/data.ts";
import { call } from "../../../server/testing/harness.ts";
import { OUT } from "../../../server/testing/play.ts";
import type { World } from "../../../server/testing/world.ts";

let world: SupervisedWorld;
before(async () => {
  world = await newSupervisedWorld();
  const agents = [world.own, world.foreign] as const;
  for (const [index, side] of agents.entries()) {
    // A second task in each contract: there is something that a beginning could mean instead.
    await call(world.server, "createTask", { id: side.contractId, name: "Another", goal: "Something else" });
    await world.append(side, OUT, `what agent ${index + 1} says\n`);
    await world.happen(side, iterationStarted(1));
  }
});
after(() => world[Symbol.asyncDispose]());

/** A person's shell, or what an agent of the own contract has. */
type Where = "outside" | "inside";

/** `null`: none is given. */
type Given = (world: World) => string | null;
type Wanted = "own" | "foreign" | { exit: number; message: RegExp };

const CASES: [name: string, given: Given, wanted: Record<Where, Wanted>][] = [
  ["a full id", ({ own }) => own.taskId, { outside: "own", inside: "own" }],
  ["a short id", ({ own }) => shortId(own.taskId), { outside: "own", inside: "own" }],
  ["a beginning", ({ own }) => own.taskId.slice(0, -2), { outside: "own", inside: "own" }],
  [
    "an ambiguous beginning",
    ({ own }) => own.taskId.slice(0, 4),
    {
      outside: { exit: 2, message: /beginning or end of several tasks/ },
      inside: { exit: 2, message: /beginning or end of several tasks/ },
    },
  ],
  [
    "an unknown id",
    () => "01890000-0000-7000-8000-00000000abcd",
    { outside: { exit: 3, message: /There is no task/ }, inside: { exit: 3, message: /There is no task/ } },
  ],
  [
    "another contract's full id",
    ({ foreign }) => foreign.taskId,
    { outside: "foreign", inside: { exit: 4, message: /own contract/ } },
  ],
  [
    "another contract's short id",
    ({ foreign }) => shortId(foreign.taskId),
    { outside: "foreign", inside: { exit: 3, message: /There is no task/ } },
  ],
  ["no id", () => null, { outside: { exit: 2, message: /No task is named/ }, inside: "own" }],
];

for (const where of ["outside", "inside"] as const) {
  suite(`${where} a task`, () => {
    for (const [name, given, wanted] of CASES) {
      for (const command of ["task", "output"] as const) {
        test(`${command} with ${name}`, () => check({ where, command, id: given(world), wanted: wanted[where] }));
      }
    }
  });
}

interface Check {
  where: Where;
  command: "task" | "output";
  id: string | null;
  wanted: Wanted;
}

async function check({ where, command, id, wanted }: Check): Promise<void> {
  const args = ["supervisor", command, ...(id === null ? [] : [id])];
  const { code, stdout, stderr } =
    where === "outside" ? await world.person(args) : await world.agent(args, { side: world.own });
  if (typeof wanted === "object") {
    assert.equal(code, wanted.exit, stderr);
    assert.match(stderr, new RegExp(`^makima: .*${wanted.message.source}.*\nhint: .+\n$`));
    assert.equal(stdout, "");
    return;
  }
  assert.equal(code, 0, stderr);
  if (command === "task") assert.match(stdout, new RegExp(`^  id +${world[wanted].taskId}$`, "m"));
  else assert.equal(stdout, wanted === "own" ? "what agent 1 says\n" : "what agent 2 says\n");
}
