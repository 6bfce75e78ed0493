import { createLogger } from "../../platform/log.ts";
import { launch } from "./harness.ts";

/** A server as a process of its own, to be killed: prints where it is and its keys, then runs until its end. */
const home = process.argv[2];
if (home === undefined) throw new Error("usage: server-process.ts HOME");
const log = createLogger({ level: "warn", format: "pretty", stream: process.stderr });
const { url, userKey, daemonKey } = await launch(home, { log });
process.stdout.write(`${JSON.stringify({ url, userKey, daemonKey })}\n`);
