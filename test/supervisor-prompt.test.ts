import assert from "node:assert/strict";
import { test } from "node:test";
import { allCommands } from "../scripts/reference/commands.ts";
import { phasesOf } from "../src/core/phases.ts";
import { supervisorInstructions } from "../src/core/supervisor-prompt.ts";

const COMMANDS = new Map((await allCommands()).map((command) => [command.words.join(" "), command]));
const TAUGHT = ["supervisor", "contract"].flatMap(taughtOf);

/** Every way to call a command of a noun that the instructions show: its name, and its options. */
function taughtOf(noun: string): { name: string; options: string[] }[] {
  const phases = phasesOf("simple").map(({ phase }) => ({ phase, files: [] }));
  const text = supervisorInstructions({ type: "simple", phase: "plan", phases, goals: [], integrationBranch: "main" });
  const [, lines = ""] = new RegExp(`\nmakima ${noun}\n((?:  .*\n)+)`).exec(text) ?? [];
  const calls = lines.split("\n").flatMap((line) => line.trim().split(/ {2,}/, 1)[0]?.split(" | ") ?? []);
  return calls
    .filter((call) => call !== "")
    .map((call) => {
      const [verb = ""] = call.split(" ", 1);
      return { name: `${noun} ${verb}`, options: call.match(/(?<=[ [|])--?[a-z][a-z-]*/g) ?? [] };
    });
}

test("a supervisor is taught nothing that there is not", () => {
  for (const { name, options } of TAUGHT) {
    const known = Object.values(COMMANDS.get(name)?.command.options ?? {}).flatMap(({ flags }) => flags.split(/[ ,]+/));
    assert.ok(COMMANDS.has(name), name);
    for (const option of options) assert.ok(known.includes(option), `${name} ${option}`);
  }
});

test("a supervisor is taught every command that is meant for it", () => {
  const taught = new Set(TAUGHT.map(({ name }) => name));
  const meant = [...COMMANDS].filter(([name, { entry }]) => {
    return entry.audience === "supervisor" || (entry.audience === "agent" && name.startsWith("supervisor "));
  });
  assert.ok(meant.length > 20);
  for (const [name] of meant) assert.ok(taught.has(name), name);
});
