import { execFileSync } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { median } from "./measure.ts";
import type { Figure } from "./measure.ts";
import { startSystem, until } from "./system.ts";

const ITERATIONS = 60;
const TARGET_MS = 25;
const TARGET_RATIO = 1.5;

/** The agent notes when it starts and when it ends (ns), and changes one file in between. */
const agentScript = (log: string): string =>
  `#!/bin/sh\ndate +%s%N >>${log}\ncat >/dev/null\necho more >>file-1.txt\ndate +%s%N >>${log}\n`;

/** Time between the end of an agent and the start of the next, against a bare shell loop that also runs `git status`. */
export async function turnaroundFigures(): Promise<Figure[]> {
  const log = `/tmp/makima-bench-${process.pid}.log`;
  try {
    await using system = await startSystem(agentScript(log), { maxTasks: 1 });
    const { taskId } = await system.start({ maxIterations: ITERATIONS });
    await until(async () => (await system.client.call("getTask", { id: taskId })).task.status === "failed");
    const looped = median(await gaps(log));
    await rm(log);
    const loop = `i=0; while [ $i -lt ${ITERATIONS} ]; do echo Measure | ../agent.sh; git status --porcelain >/dev/null; i=$((i + 1)); done`;
    execFileSync("/bin/sh", ["-c", loop], { cwd: join(system.repository) });
    const bare = median(await gaps(log));
    return [
      {
        what: "loop turn-around, agent's end to next agent's start",
        measured: `${looped.toFixed(1)} ms`,
        peer: `shell loop with \`git status\` ${bare.toFixed(1)} ms`,
        ratio: looped / bare,
        target: `<= ${TARGET_MS} ms, <= ${TARGET_RATIO}x`,
        met: looped <= TARGET_MS && looped / bare <= TARGET_RATIO,
      },
    ];
  } finally {
    await rm(log, { force: true });
  }
}

/** Milliseconds between an end and the following start. */
async function gaps(log: string): Promise<number[]> {
  const times = (await readFile(log, "utf8")).trim().split("\n").map(BigInt);
  const found: number[] = [];
  for (let index = 1; index + 1 < times.length; index += 2) {
    found.push(Number((times[index + 1] ?? 0n) - (times[index] ?? 0n)) / 1e6);
  }
  return found;
}
