import { execFileSync } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { median } from "./measure.ts";
import type { Figure } from "./measure.ts";
import { startSystem, until } from "./system.ts";
import type { System } from "./system.ts";

const ITERATIONS = 60;
const TARGET_MS = 25;
const TARGET_RATIO = 1.5;

/** The agent says when it starts and when it ends (ns), and changes one file in between. */
const AGENT = "#!/bin/sh\ndate +%s%N\ncat >/dev/null\necho more >>file-1.txt\ndate +%s%N\n";

/**
 * Time between the end of an agent and the start of the next, against a bare shell loop that also runs `git status`, and
 * the same in sandboxes.
 */
export async function turnaroundFigures(): Promise<Figure[]> {
  await using system = await startSystem(AGENT, { maxTasks: 1 });
  const looped = median(await gapsOfTask(system, { bubblewrap: false }));
  const sandboxed = median(await gapsOfTask(system, { bubblewrap: true }));
  const loop = `i=0; while [ $i -lt ${ITERATIONS} ]; do echo Measure | ../agent.sh; git status --porcelain >/dev/null; i=$((i + 1)); done`;
  const printed = execFileSync("/bin/sh", ["-c", loop], { cwd: system.repository, encoding: "utf8" });
  const bare = median(gapsIn(printed));
  return [
    {
      what: "loop turn-around, agent's end to next agent's start",
      measured: `${looped.toFixed(1)} ms`,
      peer: `shell loop with \`git status\` ${bare.toFixed(1)} ms`,
      ratio: looped / bare,
      target: `<= ${TARGET_MS} ms, <= ${TARGET_RATIO}x`,
      met: looped <= TARGET_MS && looped / bare <= TARGET_RATIO,
    },
    {
      what: "loop turn-around with bubblewrap",
      measured: `${sandboxed.toFixed(1)} ms`,
      peer: `without ${looped.toFixed(1)} ms`,
      ratio: sandboxed / looped,
      target: "none",
      met: null,
    },
  ];
}

/** Milliseconds between each end and the following start, over a whole task. */
async function gapsOfTask(system: System, { bubblewrap }: { bubblewrap: boolean }): Promise<number[]> {
  const { taskId: id } = await system.start({ maxIterations: ITERATIONS, bubblewrap });
  const runId = await until(async () => {
    const { task } = await system.client.call("getTask", { id });
    return task.status === "failed" ? task.runId : null;
  });
  const iterations = join(system.home, "runs", runId, "iterations");
  const outputs = (await readdir(iterations)).toSorted().map((name) => readFile(join(iterations, name, "out"), "utf8"));
  return gapsIn((await Promise.all(outputs)).join(""));
}

function gapsIn(printed: string): number[] {
  const times = printed.trim().split("\n").map(BigInt);
  const found: number[] = [];
  for (let index = 1; index + 1 < times.length; index += 2) {
    found.push(Number((times[index + 1] ?? 0n) - (times[index] ?? 0n)) / 1e6);
  }
  return found;
}
