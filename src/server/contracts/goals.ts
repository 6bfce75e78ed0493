import { MakimaError } from "../../core/errors.ts";
import type { Contract, Goal, Parsed } from "../../protocol/api.ts";
import { toJson } from "../db/json.ts";
import type { Write } from "../db/store.ts";
import { changeContract } from "./contracts.ts";
import { requireOngoing } from "./ongoing.ts";

/** Goals of one contract: a checklist that a person reads. */
const MOST_GOALS = 100;

type GoalChanges = Parsed<"changeGoals">["body"];

/** Marks goals by their numbers, and adds others behind them. Throws `invalid_request` for a number that there is not. */
export async function changeGoals(tx: Write, id: string, changes: GoalChanges): Promise<Contract> {
  const contract = await requireOngoing(tx.db, id);
  if (changes.add.length + changes.done.length + changes.open.length === 0) return contract;
  return changeContract(tx, id, { goals: toJson(changed(contract.goals, changes)) });
}

function changed(goals: readonly Goal[], { add, done, open }: GoalChanges): Goal[] {
  const unknown = [...done, ...open].find((number) => number > goals.length);
  if (unknown !== undefined) throw refused(`there is no goal ${unknown}: the contract has ${goals.length}`);
  const both = done.find((number) => open.includes(number));
  if (both !== undefined) throw refused(`goal ${both} cannot be done and open`);
  if (goals.length + add.length > MOST_GOALS) throw refused(`a contract has at most ${MOST_GOALS} goals`);
  const marked = goals.map((goal, index) => {
    if (done.includes(index + 1)) return { ...goal, done: true };
    return open.includes(index + 1) ? { ...goal, done: false } : goal;
  });
  return [...marked, ...add.map((text) => ({ text, done: false }))];
}

function refused(problem: string): MakimaError {
  return new MakimaError("invalid_request", `goals: ${problem}`, {
    hint: "`makima contract checklist` shows the goals with their numbers.",
  });
}
