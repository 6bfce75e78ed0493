import { MakimaError } from "../../core/errors.ts";
import { MAX_GOAL } from "../../protocol/routes.ts";
import { readText } from "../read-text.ts";
import type { TextKind, TextSource } from "../read-text.ts";

const GOAL: TextKind = {
  name: "goal",
  max: MAX_GOAL,
  code: "goal_invalid",
  tooLong: "Put the details into files of the repository, and let the goal point at them.",
};

/** The goal in words, from the argument, from stdin (`-`) or from a file (`@path`). Throws `goal_invalid`. */
export async function readGoal(argument: string, from: TextSource): Promise<string> {
  const goal = await readText(argument, GOAL, from);
  if (!goal.startsWith("--")) return goal;
  throw new MakimaError("goal_invalid", `The goal starts with "--", so it looks like an option`);
}

/** A name for what has only a goal: the beginning of its first line. */
export function nameOf(goal: string): string {
  const line = goal.split("\n", 1)[0] ?? goal;
  const characters = Array.from(line.slice(0, 2 * MAX_NAME));
  return characters.length > MAX_NAME ? `${characters.slice(0, MAX_NAME - 1).join("")}…` : line.trim();
}

const MAX_NAME = 80;
