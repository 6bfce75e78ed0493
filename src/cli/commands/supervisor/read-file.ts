import { fileSize } from "../../../core/text.ts";
import { CONNECTION_OPTIONS, defineCommand, idArgument, idOf, text } from "../../command.ts";
import { connect } from "../../connect.ts";
import { runOperation } from "../../operations.ts";

export const supervisorReadFileCommand = defineCommand({
  details:
    "Prints the file as it is in the task's checkout now, uncommitted changes included. With --json its content is in " +
    "base64. Only the beginning of a large file comes, and stderr says so.",
  arguments: [
    idArgument("task"),
    { name: "path", description: "Path of the file below the repository's top directory", required: true },
  ],
  options: {
    ref: text("--ref <ref>", "As it is at this commit, branch or tag, instead of in the checkout"),
    ...CONNECTION_OPTIONS,
  },
  examples: [
    ["makima supervisor read-file 3f2a91bc src/parser.ts", "What the agent has made of it"],
    ["makima supervisor read-file 3f2a91bc src/parser.ts --ref main", "What it was before"],
  ],
  async run(context, { arguments: [given, path = ""], options: { ref, ...options } }) {
    const { output } = context;
    const task = idOf(given, "task", "makima supervisor tasks");
    const connection = await connect(context, options);
    const at = ref === null ? {} : { ref };
    const file = await runOperation(connection, context, { kind: "ReadFile", task, path, ...at });
    const content = Buffer.from(file.content, "base64");
    output.document(file);
    if (!output.json) await output.bytes(content);
    if (file.truncated)
      output.warning(`only the first ${fileSize(content.length)} of ${fileSize(file.size)} are shown`);
    return 0;
  },
});
