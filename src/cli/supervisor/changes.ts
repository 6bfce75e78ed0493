import type { OperationResult } from "../../protocol/operations.ts";
import { count, inline } from "../format.ts";
import type { Story } from "../output.ts";

type Changes = Pick<OperationResult<"GetDiff">, "files" | "insertions" | "deletions">;

const LETTERS = { added: "A", modified: "M", deleted: "D", renamed: "R", "type-changed": "T" } as const;

/** The changed files, one a line. */
export function changedFileLines({ files }: Changes, style: Story["style"]): string[] {
  return files.map(({ path, status, insertions, deletions }) => {
    const size =
      insertions === null ? "binary" : `${style("green", `+${insertions}`)} ${style("red", `-${deletions}`)}`;
    return `${LETTERS[status]} ${inline(path)} ${size}`;
  });
}

/** "2 files, +3 -1" */
export function changesText(
  files: number,
  { insertions, deletions }: Pick<Changes, "insertions" | "deletions">,
): string {
  return files === 0 ? "no changes" : `${count(files, "file")}, +${insertions} -${deletions}`;
}
