import { resolve } from "node:path";
import { defineCommand } from "../../command.ts";
import { count, inline } from "../../format.ts";
import {
  administer,
  DATABASE_OPTIONS,
  isLocalDatabase,
  readDatabaseConfig,
  sourceOf,
  tableProgress,
} from "../../local/database.ts";

export const serverImportCommand = defineCommand({
  details:
    "Copies everything in the SQLite file of one machine's server into a new, empty database, in one transaction. " +
    "Stop that server first (`makima down`): what it writes later would be left behind.",
  arguments: [
    {
      name: "file",
      description: "SQLite file of a server, or a backup; the local one is $MAKIMA_HOME/makima.db",
      required: true,
    },
  ],
  options: DATABASE_OPTIONS,
  examples: [
    [
      "makima server import ~/.local/share/makima/makima.db --database-url postgres://makima@db.example/makima",
      "Move this machine's data into a team's database",
    ],
  ],
  async run(context, { arguments: [file = ""], options }) {
    const { output } = context;
    const loaded = await readDatabaseConfig(context, options);
    const alone = sourceOf(loaded).kind === "sqlite" || isLocalDatabase(context, loaded, file);
    const { rows } = await administer({ loaded, alone }, (admin, to) =>
      admin.importDatabase({ from: resolve(context.cwd, file), to, progress: tableProgress(output) }),
    );
    output.document({ rows });
    for (const [table, number] of Object.entries(rows)) output.line(`${inline(table)}: ${count(number, "row")}`);
    return 0;
  },
});
