import type { Goal, ContractStatus } from "../../protocol/api.ts";
import { inline } from "../format.ts";
import type { Story } from "../output.ts";

/** The goals of a contract with their numbers. */
export function goalLines(goals: readonly Goal[], style: Story["style"]): string[] {
  return goals.map(({ text, done }, index) => `${mark(done, style)} ${index + 1}. ${inline(text)}`);
}

/** What a phase has to deliver, and what of it is missing. */
export function deliverableLines(deliverables: ContractStatus["deliverables"], style: Story["style"]): string[] {
  return deliverables.map(({ title, done, missing }) => {
    const why = missing === null ? "" : `: ${inline(missing)}`;
    return `${mark(done, style)} ${inline(title)}${why}`;
  });
}

function mark(done: boolean, style: Story["style"]): string {
  return done ? style("green", "[x]") : "[ ]";
}
