import { CONNECTION_OPTIONS, CONTRACT_ARGUMENT, contractArgument, defineCommand } from "../../command.ts";
import { connect } from "../../connect.ts";
import { fileTable } from "../../contract/file-table.ts";

export const contractFilesCommand = defineCommand({
  arguments: [CONTRACT_ARGUMENT],
  options: CONNECTION_OPTIONS,
  examples: [["makima contract files", "Within a task: what is written down in its contract"]],
  async run(context, input) {
    const { output } = context;
    const id = contractArgument(context, input);
    const { call } = await connect(context, input.options);
    const { files } = await call("listFiles", { id });
    output.document({ files });
    if (files.length === 0) output.line("The contract has no files yet.");
    else for (const line of fileTable(files, Date.now())) output.line(line);
    return 0;
  },
});
