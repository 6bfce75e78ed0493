import { MakimaError } from "../../../core/errors.ts";
import { CONNECTION_OPTIONS, defineCommand, integer, text } from "../../command.ts";
import { connect } from "../../connect.ts";
import type { Connection } from "../../connect.ts";
import { CONTENT, CONTENT_ARGUMENT, FILE_ARGUMENT, fileName } from "../../contract/texts.ts";
import { readText } from "../../read-text.ts";
import { CONTRACT_OPTION, contractOf } from "../../supervisor/contract-option.ts";

export const contractUpdateFileCommand = defineCommand({
  details:
    "Several may write in one file: --version says which one was read, so that nobody's change is lost. Refused where " +
    "there is a newer one by now.",
  arguments: [FILE_ARGUMENT, CONTENT_ARGUMENT],
  options: {
    version: integer(
      "--version <n>",
      "The version that was read, and that this one replaces; required",
      1,
      1_000_000_000,
    ),
    title: text("--title <title>", "Another title"),
    ...CONTRACT_OPTION,
    ...CONNECTION_OPTIONS,
  },
  examples: [
    ["makima contract update-file plan @plan.md --version 3", "Within a task: a new plan in place of version 3"],
    ["makima contract update-file notes - --version 1 < notes.md", "The same, from a pipe"],
  ],
  async run(context, input) {
    const { title } = input.options;
    const id = contractOf(context, input.options);
    const name = fileName(input.arguments[0]);
    const version = requireVersion(input.options.version, name);
    const content = await readText(input.arguments[1] ?? "", CONTENT, context);
    const connection = await connect(context, input.options);
    const change = { id, name, content, ...(title === null ? {} : { title }) };
    const { file } = await connection
      .call("updateFile", change, { ifMatch: version })
      .catch((error: unknown) => explain(connection, { id, name, version }, error));
    context.output.line(`Wrote ${name}, version ${file.version}.`);
    context.output.document({ file });
    return 0;
  },
});

function requireVersion(version: number | null, name: string): number {
  if (version !== null) return version;
  throw new MakimaError("usage", "--version is missing: the version that was read", {
    hint: `\`makima contract file ${name} --json\` shows content and version.`,
  });
}

interface Change {
  id: string;
  name: string;
  /** The version that was read. */
  version: number;
}

/** Says where the file is now, and how to see what has changed. */
async function explain({ call }: Connection, { id, name, version }: Change, error: unknown): Promise<never> {
  if (!(error instanceof MakimaError) || error.code !== "version_conflict") throw error;
  const { file } = await call("getFile", { id, name });
  throw new MakimaError("version_conflict", `${name} is at version ${file.version} by now, not ${version}`, {
    hint: `Read it with \`makima contract file ${name}\`, and write yours with --version ${file.version}.`,
    cause: error,
  });
}
