import { block } from "../format.ts";
import type { Story } from "../output.ts";

/** What somebody says of the progress, with who it is; further lines stand below the first. */
export function reportLines(who: string, text: string, style: Story["style"]): string[] {
  const [first = "", ...rest] = block(text.trim()).split("\n");
  return [`${style("cyan", `${who}:`)} ${first}`, ...rest.map((line) => `  ${line}`.trimEnd())];
}
