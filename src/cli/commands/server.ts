import { defineCommand } from "../command.ts";
import { readConfig } from "../connect.ts";
import { serve } from "../local/serve.ts";
import { LISTEN_OPTIONS } from "./up.ts";

export const serverCommand = defineCommand({
  details: "Daemons join it with `makima daemon --server URL --api-key-file FILE`.",
  arguments: [],
  options: LISTEN_OPTIONS,
  examples: [["makima server --port 8000", "Serve on port 8000 of this machine"]],
  async run(context, { options }) {
    const loaded = await readConfig(context, options);
    await serve(context, {
      loaded,
      host: options.host ?? loaded.config.server.host,
      port: options.port ?? loaded.config.server.port,
      anyPort: false,
      idleExit: null,
      withDaemon: false,
    });
    return 0;
  },
});
