import { resolve } from "node:path";
import { fileSize } from "../../../core/text.ts";
import { defineCommand } from "../../command.ts";
import { administer, DATABASE_OPTIONS, readDatabaseConfig } from "../../local/database.ts";

export const serverBackupCommand = defineCommand({
  details: "The file holds the database as it is at one moment; `makima server restore` and `import` take it.",
  arguments: [{ name: "file", description: "New file to write, which only you can read", required: true }],
  options: DATABASE_OPTIONS,
  examples: [["makima server backup makima-monday.db", "Write a backup while the server goes on"]],
  async run(context, { arguments: [given = ""], options }) {
    const { output } = context;
    const loaded = await readDatabaseConfig(context, options);
    const file = resolve(context.cwd, given);
    output.progress(`Writing ${file}`);
    const { bytes } = await administer({ loaded, alone: false }, (admin, from) => admin.backupDatabase(from, file));
    output.line(`The backup is in ${file} (${fileSize(bytes)}).`);
    output.document({ file, bytes });
    return 0;
  },
});
