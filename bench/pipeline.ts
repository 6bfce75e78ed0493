import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { percentile, timed } from "./measure.ts";
import type { Figure } from "./measure.ts";
import { startSystem, until } from "./system.ts";
import type { System } from "./system.ts";

const LINE = 200;
const FLOOD_LINES = 5_400_000;
/** Lines per second over all tasks of the steady load. */
const RATE = 10_000;
const SECONDS = 12;
const MEGABYTE = 1024 * 1024;

const floodScript = `#!/bin/sh
cat >/dev/null
yes "$(printf '%0${LINE - 1}d' 7)" | head -n ${FLOOD_LINES}
`;

/**
 * Waits for the file `go`, so that all tasks print at once; each line holds the time at which it was printed (s). Two lines
 * at a time: `tasks` times that make RATE a second.
 */
const steadyScript = (go: string, tasks: number): string => `#!/bin/sh
cat >/dev/null
until [ -e ${go} ]; do sleep 0.2; done
exec perl -MTime::HiRes=time,sleep -e '$| = 1; my $end = time + ${SECONDS};
while ((my $now = time) < $end) { printf("%.6f %s\\n", $now, "x" x ${LINE - 19}) for 1..2; sleep ${(2 * tasks) / RATE} }'
`;

/** Agent output through store to a subscriber: throughput and memory in a 1 GB flood, latency under a steady load. */
export async function pipelineFigures(): Promise<Figure[]> {
  return [...(await flood()), ...(await steady(50)), ...(await steady(200))];
}

async function flood(): Promise<Figure[]> {
  await using system = await startSystem(floodScript, { maxTasks: 1 });
  const before = await memoryOf(system);
  const { taskId } = await system.start({ maxIterations: 1 });
  const runId = await runOf(system, taskId);
  const hash = createHash("sha256");
  let bytes = 0;
  const peak = watchMemory(system);
  const ms = await timed(async () => {
    await using subscriber = system.subscriber();
    for await (const { data } of subscriber.stream(runId, "iterations/0001/out", { follow: true })) {
      hash.update(data);
      bytes += data.length;
    }
  });
  const grown = await peak.stop();
  const rate = bytes / LINE / (ms / 1000);
  const bareRate = FLOOD_LINES / (barePipe() / 1000);
  const whole = bytes === FLOOD_LINES * LINE && hash.digest("hex") === expectedHash();
  const [server, daemon] = [grown.server - before.server, grown.daemon - before.daemon].map((size) => size / MEGABYTE);
  return [
    {
      what: "agent output to stored to subscriber",
      measured: `${Math.round(rate).toLocaleString("en")} lines/s of ${LINE} B`,
      peer: `raw pipe to a file ${Math.round(bareRate).toLocaleString("en")} lines/s`,
      ratio: rate / bareRate,
      target: ">= 150,000 lines/s",
      met: rate >= 150_000,
    },
    {
      what: `${((FLOOD_LINES * LINE) / 1e9).toFixed(2)} GB flood, growth of server and daemon; bytes ${whole ? "identical" : "DIFFER"}`,
      measured: `${server?.toFixed(0)} MB and ${daemon?.toFixed(0)} MB`,
      peer: "limit 150 MB each",
      ratio: Math.max(server ?? 0, daemon ?? 0) / 150,
      target: "<= 150 MB each, identical",
      met: whole && (server ?? 0) <= 150 && (daemon ?? 0) <= 150,
    },
  ];
}

async function steady(count: number): Promise<Figure[]> {
  const go = `/tmp/makima-bench-${process.pid}.go`;
  await using system = await startSystem(steadyScript(go, count), { maxTasks: count });
  const before = await memoryOf(system);
  await using subscriber = system.subscriber();
  const tasks = await Promise.all(Array.from({ length: count }, () => system.start({ maxIterations: 1 })));
  const runs = await Promise.all(tasks.map(({ taskId }) => runOf(system, taskId)));
  await Promise.all(tasks.map(({ taskId }) => until(() => hasStarted(system, taskId))));
  const peak = watchMemory(system);
  await writeFile(go, "");
  const seen = await Promise.all(
    runs.map(async (runId) => {
      const lines: Line[] = [];
      const stream = subscriber.stream(runId, "iterations/0001/out", { follow: true });
      for await (const { data } of stream) note(Buffer.from(data), lines);
      return lines;
    }),
  );
  const grown = await peak.stop();
  await rm(go);
  // Only the time in which all tasks print: ending fifty runs is another load.
  const from = Math.max(...seen.map((lines) => lines[0]?.printed ?? 0));
  const to = Math.min(...seen.map((lines) => lines.at(-1)?.printed ?? 0));
  const steadyLines = seen.flat().filter(({ printed }) => printed >= from && printed <= to);
  const latencies = steadyLines.map(({ latency }) => latency);
  const p99 = percentile(latencies, 0.99);
  const rate = Math.round(latencies.length / ((to - from) / 1000));
  const [server, daemon] = [grown.server - before.server, grown.daemon - before.daemon].map((size) => size / MEGABYTE);
  return [
    {
      what: `output latency, ${count} tasks on one daemon, ${rate.toLocaleString("en")} lines/s in all`,
      measured: `p50 ${percentile(latencies, 0.5).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
      peer: "",
      ratio: p99 / 25,
      target: "p99 <= 25 ms at 10,000 lines/s over 50 tasks",
      met: p99 <= 25,
    },
    {
      what: `growth of server and daemon under that load, from idle to its peak`,
      measured: `${server?.toFixed(0)} MB and ${daemon?.toFixed(0)} MB (${(((daemon ?? 0) * 1024) / count).toFixed(0)} KB a task)`,
      peer: "limit 300 KB a task in the daemon",
      ratio: ((daemon ?? 0) * 1024) / count / 300,
      target: "<= 300 KB a task in the daemon",
      met: ((daemon ?? 0) * 1024) / count <= 300,
    },
  ];
}

/** When a line was printed (epoch ms), and how much later it was seen (ms). */
interface Line {
  printed: number;
  latency: number;
}

/** A chunk's lines came now; the cut ones at its ends are left out. */
function note(data: Buffer, lines: Line[]): void {
  const now = performance.timeOrigin + performance.now();
  for (const match of data.toString("latin1").matchAll(/(?:^|\n)(\d{10}\.\d{6}) /g)) {
    const printed = Number(match[1]) * 1000;
    lines.push({ printed, latency: now - printed });
  }
}

async function hasStarted({ client }: System, id: string): Promise<boolean> {
  return (await client.call("getTask", { id })).iterations.length === 1;
}

async function runOf({ client }: System, taskId: string): Promise<string> {
  let runId: string | null = null;
  await until(async () => {
    runId = (await client.call("getTask", { id: taskId })).task.runId;
    return runId !== null;
  });
  return runId ?? "";
}

/** Milliseconds that the same flood takes from a pipe into a file. */
function barePipe(): number {
  const file = `/tmp/makima-bench-${process.pid}.out`;
  const start = performance.now();
  execFileSync("/bin/sh", ["-c", `yes "$(printf '%0${LINE - 1}d' 7)" | head -n ${FLOOD_LINES} | cat >${file}`]);
  const ms = performance.now() - start;
  execFileSync("rm", [file]);
  return ms;
}

function expectedHash(): string {
  const hash = createHash("sha256");
  const lines = Buffer.from(`${"7".padStart(LINE - 1, "0")}\n`.repeat(1000));
  for (let count = 0; count < FLOOD_LINES; count += 1000) hash.update(lines);
  return hash.digest("hex");
}

interface Memory {
  server: number;
  daemon: number;
}

async function memoryOf({ pids }: System): Promise<Memory> {
  return { server: await residentSize(pids.server), daemon: await residentSize(pids.daemon) };
}

/** Notes the largest sizes until stopped. */
function watchMemory(system: System): { stop(): Promise<Memory> } {
  const largest: Memory = { server: 0, daemon: 0 };
  const look = async (): Promise<void> => {
    const { server, daemon } = await memoryOf(system);
    largest.server = Math.max(largest.server, server);
    largest.daemon = Math.max(largest.daemon, daemon);
  };
  const timer = setInterval(() => void look(), 200);
  return {
    stop: async () => {
      clearInterval(timer);
      await look();
      return largest;
    },
  };
}

/** Bytes. */
async function residentSize(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}
