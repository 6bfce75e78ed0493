import { resolve } from "node:path";
import { defineCommand, flag } from "../../command.ts";
import { administer, DATABASE_OPTIONS, readDatabaseConfig, sourceOf } from "../../local/database.ts";

export const serverRestoreCommand = defineCommand({
  details:
    "Refused while the local server runs, and where there is a database already, unless --replace is given: it is " +
    "kept under another name then. A PostgreSQL database must be empty, and its servers stopped.",
  arguments: [{ name: "file", description: "What `makima server backup` has written", required: true }],
  options: {
    replace: flag("--replace", "Put it in the place of the local database"),
    ...DATABASE_OPTIONS,
  },
  examples: [
    ["makima server restore makima-monday.db", "Begin with a backup on a new machine"],
    ["makima server restore makima-monday.db --replace", "Go back to it"],
  ],
  async run(context, { arguments: [given = ""], options }) {
    const { output } = context;
    const loaded = await readDatabaseConfig(context, options);
    const file = resolve(context.cwd, given);
    const alone = sourceOf(loaded).kind === "sqlite";
    output.progress(`Restoring ${file}`);
    const { aside } = await administer({ loaded, alone }, (admin, to) =>
      admin.restoreDatabase(file, to, { replace: options.replace }),
    );
    output.line("The backup is the database now.");
    if (aside !== null) output.line(`The one before is kept in ${aside}`);
    output.document({ file, aside });
    return 0;
  },
});
