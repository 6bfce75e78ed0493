import { describe, it } from "node:test";
import { killDaemon, killServer, killUp } from "../support/kills.ts";

/** As often as it takes to meet both a process that has sent its news and one that had no time; more in test/soak. */
const KILLS = { count: 3 };

describe("kill -9", { concurrency: true }, () => {
  it("of `makima up` again and again neither stops the agent nor loses its output", () => killUp(KILLS));

  it("of the daemon again and again neither stops the agent nor loses its output", () => killDaemon(KILLS));

  it("of the server, too, while the daemon and the agent go on", () => killServer(KILLS));
});
