import { defineCommand } from "../command.ts";
import { DATABASE_OPTIONS, readDatabaseConfig } from "../local/database.ts";
import { serve } from "../local/serve.ts";
import { LISTEN_OPTIONS, withListenFlags } from "./up.ts";

export const serverCommand = defineCommand({
  details:
    "Daemons join it with `makima daemon --server URL --api-key-file FILE`. Several servers may share one PostgreSQL " +
    "database; without one everything is in a file of this machine.",
  arguments: [],
  options: { ...LISTEN_OPTIONS, ...DATABASE_OPTIONS },
  examples: [
    ["makima server --port 8000", "Serve on port 8000 of this machine"],
    ["makima server --database-url postgres://makima@db.example/makima", "Serve a team from a PostgreSQL database"],
  ],
  async run(context, { options }) {
    const loaded = await readDatabaseConfig(context, options);
    await serve(context, {
      loaded: withListenFlags(loaded, options),
      anyPort: false,
      idleExit: null,
      withDaemon: false,
    });
    return 0;
  },
});
