import type { CompletionAction, Contract } from "../../protocol/api.ts";
import { inline } from "../format.ts";

/** Here as words of the command line: the schema that names them would load zod into every command. */
export const COMPLETION_ACTIONS = ["none", "branch", "merge", "pr"] as const satisfies readonly CompletionAction[];

/** What becomes of the work of a contract's tasks, as a sentence goes on. */
export function completionText({ completionAction, integrationBranch }: Contract): string {
  return MEANINGS[completionAction](inline(integrationBranch));
}

const MEANINGS: Readonly<Record<CompletionAction, (branch: string) => string>> = {
  none: () => "nothing is merged by itself",
  branch: (branch) => `finished tasks are merged into ${branch}`,
  merge: (branch) => `finished tasks are merged into ${branch}, and that in the end into the branch it started from`,
  pr: (branch) => `finished tasks are merged into ${branch}, and that in the end becomes a pull request`,
};
