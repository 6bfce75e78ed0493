import { open, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { MakimaError } from "../../../core/errors.ts";
import { isErrno } from "../../../platform/files.ts";
import { choice, CONNECTION_OPTIONS, defineCommand, text } from "../../command.ts";
import { connect } from "../../connect.ts";
import { inline } from "../../format.ts";

const options = {
  kind: choice("--kind <kind>", "user (a person or a script) or daemon (a worker)", ["user", "daemon"]),
  name: text("--name <name>", "Whose key it is, for the list"),
  out: text("--out <file>", "Write the key into a new file that only you can read, and do not print it"),
  ...CONNECTION_OPTIONS,
};

export const keyCreateCommand = defineCommand({
  details: "The key is shown this once: the server keeps only a hash of it.",
  arguments: [],
  options,
  examples: [
    ["makima key create --kind user --name ada", "A key for a person: it goes into MAKIMA_API_KEY"],
    ["makima key create --kind daemon --name box1 --out daemon.key", "One for `makima daemon --api-key-file`"],
  ],
  async run(context, { options: { kind, name, out, ...server } }) {
    if (kind === null || name === null || name.trim() === "") {
      throw new MakimaError("usage", "Kind and name of the key are not given", {
        hint: 'For example: makima key create --kind user --name "Ada"',
      });
    }
    const { call } = await connect(context, server);
    const create = () => call("createKey", { kind, name: name.trim() });
    if (out === null) {
      const { key, token } = await create();
      context.output.line(token);
      context.output.document({ key, token });
      return 0;
    }
    const file = resolve(context.cwd, out);
    const key = await intoNewFile(file, async () => {
      const created = await create();
      return { content: `${created.token}\n`, result: created.key };
    });
    context.output.line(`The ${kind} key ${inline(key.id)} is in ${file}`);
    context.output.document({ key, file });
    return 0;
  },
});

/** The file comes first: a key that nobody can write down would be lost. */
async function intoNewFile<T>(path: string, create: () => Promise<{ content: string; result: T }>): Promise<T> {
  await using file = await openNew(path);
  try {
    const { content, result } = await create();
    await file.writeFile(content);
    await file.sync();
    return result;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

async function openNew(path: string) {
  try {
    return await open(path, "wx", 0o600);
  } catch (error) {
    if (isErrno(error, "EEXIST")) throw new MakimaError("conflict", `There is a file ${path} already`);
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new MakimaError("read_only", `Cannot write ${path} (${code})`, {
      hint: "Name a file in a directory that exists and that you may write.",
      cause: error,
    });
  }
}
