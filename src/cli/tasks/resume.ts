import type { Fields } from "../../protocol/api.ts";
import { dollars, integer, text } from "../command.ts";
import type { Input } from "../command.ts";
import { readText } from "../read-text.ts";
import type { TextSource } from "../read-text.ts";
import { MESSAGE } from "./message.ts";

/** What can be said and changed when a task goes on. */
export const RESUME_OPTIONS = {
  message: text("--message <text>", "What to tell its agent; - reads stdin, @file a file. What is completed needs it"),
  maxIterations: integer("--max-iterations <n>", "Give up after so many iterations", 1, 10_000),
  budget: dollars("--budget <usd>", "Give up when the agent has cost more than this"),
};

type ResumeFlags = Input<typeof RESUME_OPTIONS>["options"];

/** The request that the options make; limits that are not named stay as they were. */
export async function resumeFields(
  id: string,
  { message, maxIterations, budget }: ResumeFlags,
  from: TextSource,
): Promise<Fields<"resumeTask">> {
  return {
    id,
    ...(message === null ? {} : { message: await readText(message, MESSAGE, from) }),
    limits: {
      ...(maxIterations === null ? {} : { maxIterations }),
      ...(budget === null ? {} : { budgetUsd: budget }),
    },
  };
}

/** What becomes of a task that was in this state. */
export function howResumed(status: string): string {
  return status === "paused" ? "goes on" : "gets a new run";
}
