import { defineCommand } from "../../command.ts";
import { inline } from "../../format.ts";
import { administer, DATABASE_OPTIONS, readDatabaseConfig, sourceOf } from "../../local/database.ts";

export const serverMigrateCommand = defineCommand({
  details: "A server does the same when it starts; with several servers on one database, this does it before them.",
  arguments: [],
  options: DATABASE_OPTIONS,
  examples: [
    ["makima server migrate", "Prepare the configured database"],
    ["makima server migrate --database-url postgres://makima@db.example/makima", "Prepare that one"],
  ],
  async run(context, { options }) {
    const loaded = await readDatabaseConfig(context, options);
    const alone = sourceOf(loaded).kind === "sqlite";
    const { applied } = await administer({ loaded, alone }, (admin, source) => admin.migrateDatabase(source));
    context.output.document({ applied });
    if (applied.length === 0) context.output.line("The database is up to date.");
    for (const name of applied) context.output.line(`Applied ${inline(name)}`);
    return 0;
  },
});
