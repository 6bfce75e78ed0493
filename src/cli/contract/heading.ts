import { phasesOf } from "../../core/phases.ts";
import type { Contract } from "../../protocol/api.ts";
import { inline, money } from "../format.ts";
import type { Story } from "../output.ts";

/** What a contract is and where it stands, in a few lines. */
export function headingLines(contract: Contract, style: Story["style"]): string[] {
  const { id, name, type, status, driver, phase, costUsd, budgetUsd } = contract;
  const budget = budgetUsd === null ? "" : ` of ${money(budgetUsd)}`;
  const phases = phasesOf(type).map((spec) => (spec.phase === phase ? style("bold", `[${phase}]`) : spec.phase));
  return [
    style("bold", inline(name)),
    `${id}, ${type}, ${status}, driven by ${DRIVERS[driver]}`,
    `${phases.join(" → ")}, ${money(costUsd)}${budget}`,
  ];
}

const DRIVERS = { task: "its task", supervisor: "a supervisor", person: "a person" } as const;
