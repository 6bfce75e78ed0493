import { shortId } from "../../core/ids.ts";
import type { OrderOf, Place } from "../../protocol/operations.ts";
import type { ContractFacts, TaskFacts } from "./facts.ts";

type MergeOrder = OrderOf<"MergeBranch">;

/** To merge a task's branch. Its checks run on the merged tree, unless it is the tree that passed them in its run. */
export function mergeOrder(
  contract: ContractFacts,
  task: TaskFacts,
  how: Pick<MergeOrder, "into" | "squash" | "dryRun">,
): MergeOrder {
  return {
    kind: "MergeBranch",
    place: placeOf(task),
    start: how.into === contract.integrationBranch ? integrationStart(contract, task) : null,
    message: `Merge ${task.name} (${shortId(task.id)})`,
    checks: [...task.checks],
    verifiedTrees: [task.run?.verifiedTree ?? []].flat(),
    ...how,
  };
}

export function placeOf({ id: taskId, repository, base, branch, bubblewrap }: TaskFacts): Place {
  return { taskId, repository, base, branch, bubblewrap };
}

/** The integration branch is made by the first merge, where the contract started from. */
function integrationStart({ repositories }: ContractFacts, { repository, base }: TaskFacts): string {
  return repositories.find(({ path }) => path === repository)?.base ?? base;
}
