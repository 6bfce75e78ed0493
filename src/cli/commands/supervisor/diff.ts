import { CONNECTION_OPTIONS, defineCommand, flag, idArgument, idOf } from "../../command.ts";
import { connect } from "../../connect.ts";
import type { Context } from "../../context.ts";
import { block } from "../../format.ts";
import { runOperation } from "../../operations.ts";
import type { Story } from "../../output.ts";
import { changedFileLines, changesText } from "../../supervisor/changes.ts";

export const supervisorDiffCommand = defineCommand({
  details:
    "What the task has changed since the commit that it started from; while it is live, what is uncommitted too. A diff " +
    "that is too long is cut, and stderr says so.",
  arguments: [idArgument("task")],
  options: { stat: flag("--stat", "Only the files, with their numbers of lines"), ...CONNECTION_OPTIONS },
  examples: [
    ["makima supervisor diff 3f2a91bc --stat", "What it has touched"],
    ["makima supervisor diff 3f2a91bc > parser.patch", "All of it, as `git apply` reads it"],
  ],
  async run(context, { arguments: [given], options: { stat, ...options } }) {
    const { output } = context;
    const task = idOf(given, "task", "makima supervisor tasks");
    const connection = await connect(context, options);
    const { diff, ...changes } = await runOperation(connection, context, { kind: "GetDiff", task, stat });
    const patch = diff === null ? null : Buffer.from(diff, "base64");
    output.document({ ...changes, diff: patch === null ? null : patch.toString("utf8") });
    if (patch === null) {
      for (const line of changedFileLines(changes, output.style)) output.line(line);
      output.line(changesText(changes.files.length, changes));
    } else await printPatch(context, patch);
    if (changes.truncated) output.warning("the diff is too long: only its beginning is shown");
    return 0;
  },
});

/** A terminal gets colours, and nothing that could harm it; a file or a pipe every byte. */
async function printPatch({ output, stdout }: Context, patch: Buffer): Promise<void> {
  if (output.json) return;
  if (stdout.isTTY !== true) return output.bytes(patch);
  for (const line of block(patch.toString("utf8")).trimEnd().split("\n")) output.line(painted(line, output.style));
}

const COLOURS: [start: RegExp, format: Parameters<Story["style"]>[0]][] = [
  [/^(?:diff |index |--- |\+\+\+ )/, "bold"],
  [/^@@/, "cyan"],
  [/^\+/, "green"],
  [/^-/, "red"],
];

function painted(line: string, style: Story["style"]): string {
  const format = COLOURS.find(([start]) => start.test(line))?.[1];
  return format === undefined ? line : style(format, line);
}
