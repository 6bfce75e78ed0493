import { execFile, execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { median, timed } from "./measure.ts";
import type { Figure } from "./measure.ts";
import { startSystem } from "./system.ts";

const run = promisify(execFile);
const RUNS = 25;
const bundle = fileURLToPath(new URL("../dist/makima.js", import.meta.url));
const build = fileURLToPath(new URL("../scripts/build.ts", import.meta.url));

/** A command that asks the server one thing, as it is published, against `node -e 0`. */
export async function cliFigures(): Promise<Figure[]> {
  execFileSync(process.execPath, [build], { stdio: "ignore" });
  await using system = await startSystem("#!/bin/sh\n", { maxTasks: 1 });
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: system.repository,
    MAKIMA_API_URL: system.endpoint.url,
    MAKIMA_API_KEY: system.endpoint.key,
  };
  const asked: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < RUNS; round += 1) {
    asked.push(await timed(() => run(process.execPath, [bundle, "ps", "--json"], { env })));
    bare.push(await timed(() => run(process.execPath, ["-e", "0"], { env })));
  }
  const ratio = median(asked) / median(bare);
  return [
    {
      what: "`makima ps --json`, answered by a server",
      measured: `${median(asked).toFixed(0)} ms`,
      peer: `\`node -e 0\` ${median(bare).toFixed(0)} ms`,
      ratio,
      target: "<= 2x",
      met: ratio <= 2,
    },
  ];
}
