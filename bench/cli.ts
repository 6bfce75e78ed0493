import { execFile, execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { defaultConfig } from "../src/platform/config/config.ts";
import { median, timed } from "./measure.ts";
import type { Figure } from "./measure.ts";
import { startSystem } from "./system.ts";
import type { System } from "./system.ts";

const run = promisify(execFile);
const RUNS = 25;
const bundle = fileURLToPath(new URL("../dist/makima.js", import.meta.url));
const build = fileURLToPath(new URL("../scripts/build.ts", import.meta.url));

/** Commands that ask the server one thing, as they are published, against `node -e 0`. */
export async function cliFigures(): Promise<Figure[]> {
  execFileSync(process.execPath, [build], { stdio: "ignore" });
  await using system = await startSystem("#!/bin/sh\n", { maxTasks: 1 });
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: system.repository,
    MAKIMA_API_URL: system.endpoint.url,
    MAKIMA_API_KEY: system.endpoint.key,
  };
  const contract = await openContract(system);
  const commands = [
    ["ps", "--json"],
    ["contract", "status", contract, "--json"],
  ];
  const asked = commands.map((): number[] => []);
  const bare: number[] = [];
  for (let round = 0; round < RUNS; round += 1) {
    for (const [index, words] of commands.entries()) {
      asked[index]?.push(await timed(() => run(process.execPath, [bundle, ...words], { env })));
    }
    bare.push(await timed(() => run(process.execPath, ["-e", "0"], { env })));
  }
  return commands.map((words, index) => figureOf(words, median(asked[index] ?? []), median(bare)));
}

async function openContract({ client, repository, base }: System): Promise<string> {
  const settings = { autonomousLoop: true, limits: defaultConfig().loop };
  const goals = ["It is fast", "It is small"];
  const { contract } = await client.call("openContract", {
    name: "bench",
    goal: "Measure",
    goals,
    repository,
    base,
    settings,
  });
  return contract.id;
}

function figureOf(words: readonly string[], asked: number, bare: number): Figure {
  const ratio = asked / bare;
  return {
    what: `\`makima ${words.filter((word) => /^[a-z]+$/.test(word)).join(" ")} --json\`, answered by a server`,
    measured: `${asked.toFixed(0)} ms`,
    peer: `\`node -e 0\` ${bare.toFixed(0)} ms`,
    ratio,
    target: "<= 2x",
    met: ratio <= 2,
  };
}
