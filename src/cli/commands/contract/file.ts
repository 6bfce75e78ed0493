import { CONNECTION_OPTIONS, defineCommand, integer } from "../../command.ts";
import { connect } from "../../connect.ts";
import { FILE_ARGUMENT, fileName } from "../../contract/texts.ts";
import { block } from "../../format.ts";
import { CONTRACT_OPTION, contractOf } from "../../supervisor/contract-option.ts";

export const contractFileCommand = defineCommand({
  details:
    "Prints the content and nothing else; a terminal is told the version, which `makima contract update-file` asks for, " +
    "and with --json it stands in the document.",
  arguments: [FILE_ARGUMENT],
  options: {
    version: integer("--version <n>", "An earlier version (default: the latest)", 1, 1_000_000_000),
    ...CONTRACT_OPTION,
    ...CONNECTION_OPTIONS,
  },
  examples: [
    ["makima contract file plan", "Within a task: the plan of its contract"],
    ["makima contract file plan --contract 3f2a91bc --version 1 > plan.md", "How it was at first, into a file"],
  ],
  async run(context, input) {
    const { output, stdout } = context;
    const id = contractOf(context, input.options);
    const name = fileName(input.arguments[0]);
    const { call } = await connect(context, input.options);
    const at = input.options.version === null ? {} : { version: input.options.version };
    const { file, version, content } = await call("getFile", { id, name, ...at });
    output.document({ file, version, content });
    // Into a file or a pipe it goes as it was written: then it can be changed and given back.
    if (stdout.isTTY !== true) output.text(content);
    else output.line(block(content).trimEnd());
    if (!output.json) output.progress(`makima: ${name} is at version ${file.version}; this is version ${version}`);
    return 0;
  },
});
