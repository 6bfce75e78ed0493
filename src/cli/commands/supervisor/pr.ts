import { MakimaError } from "../../../core/errors.ts";
import { CONNECTION_OPTIONS, defineCommand, flag, TASK_ARGUMENT, taskArgument, text } from "../../command.ts";
import { connect } from "../../connect.ts";
import { inline } from "../../format.ts";
import { runOperation } from "../../operations.ts";
import { readText } from "../../read-text.ts";
import type { TextKind } from "../../read-text.ts";

const BODY: TextKind = {
  name: "body",
  max: 60_000,
  code: "usage",
  tooLong: "Say what matters; the commits have the details.",
};

export const supervisorPrCommand = defineCommand({
  details:
    "Pushes one branch, the task's or with --contract the contract's integration branch, and opens a pull request for it " +
    "through `gh`. Without gh, or where the remote is not GitHub, it pushes and says what is left to do.",
  arguments: [TASK_ARGUMENT],
  options: {
    contract: text("--contract <contract>", "The integration branch of this contract, instead of a task's branch"),
    title: text("--title <text>", "Title of the pull request (default: the name of the task or contract)"),
    body: text("--body <text>", "Its description; - reads stdin, @file a file"),
    draft: flag("--draft", "Open it as a draft"),
    ...CONNECTION_OPTIONS,
  },
  examples: [
    ["makima supervisor pr 3f2a91bc --draft", "The branch of a task"],
    ['makima supervisor pr --contract 9b1d04e7 --title "Weeks everywhere"', "All that the contract has merged"],
  ],
  async run(context, input) {
    const { output } = context;
    const { contract, title, body, draft, ...options } = input.options;
    if (contract !== null && input.arguments[0] !== undefined) {
      throw new MakimaError("usage", "A task and --contract exclude each other", {
        hint: "Give the one whose branch is to be pushed.",
      });
    }
    const subject = contract === null ? { task: taskArgument(context, input) } : { contract };
    const words = {
      ...(title === null ? {} : { title }),
      ...(body === null ? {} : { body: await readText(body, BODY, context) }),
    };
    const connection = await connect(context, options);
    const request = { kind: "CreatePullRequest", ...subject, ...words, draft } as const;
    const opened = await runOperation(connection, context, request);
    output.document(opened);
    output.line(opened.url === null ? pushedText(opened) : inline(opened.url));
    if (opened.next !== null) output.line(`  ${inline(opened.next)}`);
    return 0;
  },
});

function pushedText({ branch, remote }: { branch: string; remote: string }): string {
  return `Pushed ${inline(branch)} to ${inline(remote)}; no pull request is open yet. What is left to do:`;
}
