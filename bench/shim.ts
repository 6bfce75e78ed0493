import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "../src/platform/process/detached.ts";
import { median, timed } from "./measure.ts";
import type { Figure } from "./measure.ts";

const RUNS = 60;
const MEGABYTE = 1024 * 1024;

/** What a process costs to be started, seen to end and kept by its shim, against a bare child process. */
export async function shimFigures(): Promise<Figure[]> {
  const root = await mkdtemp(join(tmpdir(), "makima-bench-"));
  try {
    return [await latency(root), await memory(root)];
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function latency(root: string): Promise<Figure> {
  const shimmed: number[] = [];
  const bare: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    shimmed.push(
      await timed(async () => {
        await using child = await launch(request(join(root, `run-${run}`), ["true"]));
        await child.exited;
      }),
    );
    bare.push(await timed(() => once(spawn("true", { stdio: "ignore" }), "exit")));
  }
  const ratio = median(shimmed) / median(bare);
  return {
    what: "shim, spawn to seen exit",
    measured: `${median(shimmed).toFixed(1)} ms`,
    peer: `bare spawn ${median(bare).toFixed(1)} ms`,
    ratio,
    target: "<= 10 ms (a prototype took 4.8 ms)",
    met: median(shimmed) <= 10,
  };
}

/** Proportional set size of everything in the shim's session but the agent. */
async function memory(root: string): Promise<Figure> {
  await using child = await launch(request(join(root, "memory"), ["sleep", "60"]));
  const shells = await shimProcesses(join(root, "memory"), child.pid);
  const sizes = await Promise.all(shells.map(proportionalSize));
  await child.stop({ interruptMs: 1000, terminateMs: 1000 });
  const total = sizes.reduce((sum, size) => sum + size, 0) / MEGABYTE;
  return {
    what: `shim, memory of its ${shells.length} processes`,
    measured: `${total.toFixed(2)} MB`,
    peer: "limit 3 MB",
    ratio: total / 3,
    target: "<= 3 MB",
    met: total <= 3,
  };
}

function request(dir: string, argv: string[]) {
  return { argv, cwd: tmpdir(), env: { PATH: process.env["PATH"] ?? "" }, stdinFile: null, dir, sandbox: null };
}

/** The processes whose command line names the shim's directory, and the writers that are their children. */
async function shimProcesses(dir: string, agent: number): Promise<number[]> {
  const all = (await readdir("/proc")).filter((name) => /^[0-9]+$/.test(name)).map(Number);
  const shells: number[] = [];
  for (const pid of all) {
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (pid !== agent && pid !== process.pid && line.includes(dir)) shells.push(pid);
  }
  const children: number[] = [];
  for (const pid of all) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    if (pid !== agent && !shells.includes(pid) && shells.includes(parent)) children.push(pid);
  }
  return [...shells, ...children];
}

/** Bytes. */
async function proportionalSize(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) * 1024;
}
