import { createLogger } from "../../platform/log.ts";
import { launch } from "./harness.ts";

/** A server as a process of its own, to be killed: prints where it is and its keys, then runs until its end. */
const [home, postgres] = process.argv.slice(2);
if (home === undefined) throw new Error("usage: server-process.ts HOME [POSTGRES_URL]");
const log = createLogger({ level: "warn", format: "pretty", stream: process.stderr });
const database = postgres === undefined ? {} : { database: { kind: "postgres", url: postgres } as const };
const { url, userKey, daemonKey } = await launch(home, { log, ...database });
process.stdout.write(`${JSON.stringify({ url, userKey, daemonKey })}\n`);
