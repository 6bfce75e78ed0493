import { PHASES } from "../../../core/phases.ts";
import { choice, CONNECTION_OPTIONS, defineCommand, text } from "../../command.ts";
import { connect } from "../../connect.ts";
import { CONTENT, CONTENT_ARGUMENT, FILE_ARGUMENT, fileName } from "../../contract/texts.ts";
import { readText } from "../../read-text.ts";
import { CONTRACT_OPTION, contractOf } from "../../supervisor/contract-option.ts";

export const contractCreateFileCommand = defineCommand({
  details: "Files that a phase has to deliver have names of their own; `makima contract checklist` shows which.",
  arguments: [FILE_ARGUMENT, CONTENT_ARGUMENT],
  options: {
    title: text("--title <title>", "What lists show of it (default: its name)"),
    phase: choice("--phase <phase>", "Phase that it belongs to (default: the present one)", PHASES),
    ...CONTRACT_OPTION,
    ...CONNECTION_OPTIONS,
  },
  examples: [
    ["makima contract create-file plan @plan.md", "Within a task: deliver the plan"],
    ['makima contract create-file notes "The parser is in src/parse" --title "Notes"', "Write down what others need"],
  ],
  async run(context, input) {
    const { title, phase } = input.options;
    const id = contractOf(context, input.options);
    const name = fileName(input.arguments[0]);
    const content = await readText(input.arguments[1] ?? "", CONTENT, context);
    const { call } = await connect(context, input.options);
    const { file } = await call("createFile", {
      id,
      name,
      content,
      ...(title === null ? {} : { title }),
      ...(phase === null ? {} : { phase }),
    });
    context.output.line(`Wrote ${name}, version ${file.version}, for the phase ${file.phase}.`);
    context.output.document({ file });
    return 0;
  },
});
