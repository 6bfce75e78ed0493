import { shortId } from "../../core/ids.ts";
import type { OperationResult } from "../../protocol/operations.ts";
import { checkLine } from "../follow/describe-event.ts";
import { block, inline } from "../format.ts";
import type { Story } from "../output.ts";

type Merge = OperationResult<"MergeBranch">;

/** What came of a merge: conflicts file by file, and of checks that failed the end of what they printed. */
export function mergeLines(merge: Merge, task: string, style: Story["style"]): string[] {
  const checks = merge.checks.map((check) => `  ${checkLine(check, style)}`);
  const conflicts = merge.conflicts.map(({ path, kind }) => `  ${inline(path)} (${inline(kind)})`);
  const end = merge.outcome === "checks-failed" ? block(merge.output).trimEnd().split("\n") : [];
  return [headline(merge, task), ...conflicts, ...checks, ...end.map((line) => `    ${line}`.trimEnd())];
}

function headline({ outcome, into, commit }: Merge, task: string): string {
  const branch = inline(into);
  switch (outcome) {
    case "merged":
      return `Merged ${shortId(task)} into ${branch}${commit === null ? "" : `, which is now ${commit.slice(0, 12)}`}.`;
    case "up-to-date":
      return `${branch} has all of it already.`;
    case "clean":
      return `It can be merged into ${branch}; nothing was moved.`;
    case "conflict":
      return `It conflicts with ${branch}; nothing was moved:`;
    case "checks-failed":
      return `On the merged tree checks fail; ${branch} was not moved:`;
  }
}
