import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "./until.ts";
import { fileInHome, makeWorkshop } from "./workshop.ts";
import type { Workshop } from "./workshop.ts";

/** makima is killed in mid-iteration, over and over; its agent must not notice, and nothing that it prints be lost. */

export interface Kills {
  count: number;
  /** How long the process still lives before the given kill (ms); without it as long as it takes to be at work. */
  lifetime?: (round: number) => number;
}

const AGENT = { program: "prints-numbered-lines.sh" };

export async function killUp(kills: Kills): Promise<void> {
  await using shop = await makeWorkshop({ agent: AGENT });
  const up = () => start(shop, ["up", "--port", "0"], isServing(shop));
  await killAndCompare(shop, kills, up, await up());
}

export async function killDaemon(kills: Kills): Promise<void> {
  await using shop = await makeWorkshop({ agent: AGENT });
  const server = await start(shop, ["server", "--port", "0"], isServing(shop));
  // It says so when it has taken over the runs that it found.
  const daemon = () => start(shop, ["daemon"], (_daemon, said) => said.includes("works for"));
  await killAndCompare(shop, kills, daemon, await daemon());
  await stopNow(server);
}

export async function killServer(kills: Kills): Promise<void> {
  await using shop = await makeWorkshop({ agent: AGENT });
  // The daemon comes back to the address that it knows, so the server has to as well.
  const first = await start(shop, ["server", "--port", "0"], isServing(shop));
  const { port } = new URL((await serverFile(shop))?.url ?? "");
  const daemon = await start(shop, ["daemon"], (_daemon, said) => said.includes("works for"));
  await killAndCompare(shop, kills, () => start(shop, ["server", "--port", port], isServing(shop)), first);
  await stopNow(daemon);
}

/** Kills `running` and what `again` starts in its place, while one agent works. */
async function killAndCompare(
  shop: Workshop,
  { count, lifetime }: Kills,
  again: () => Promise<ChildProcess>,
  first: ChildProcess,
): Promise<void> {
  let running = first;
  const { result } = shop.startRun("Count");
  let stored = await storedBeyond(shop, 0);
  for (let round = 0; round < count; round += 1) {
    if (lifetime !== undefined) await sleep(lifetime(round));
    await killNow(running);
    running = await again();
    // Every other time it dies before it can have sent much, if anything.
    if (round % 2 === 0) stored = await storedBeyond(shop, stored);
  }
  await writeFile(join(shop.machine.home, "finish"), "");
  await compare(shop, await result);
  await stopNow(running);
}

/** One process did it all, in one iteration, and each of its lines is there once and in order. */
async function compare(
  shop: Workshop,
  { code, document, stderr }: Awaited<ReturnType<Workshop["run"]>>,
): Promise<void> {
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    document.iterations.map(({ index, verdict }) => [index, verdict]),
    [[1, "done"]],
  );
  assert.equal((await shop.task())?.iterations, 1);
  assert.equal((await fileInHome(shop.machine, "pids")).split("\n").length, 1, "one agent process");
  const lines = Number(await fileInHome(shop.machine, "lines"));
  const { stdout } = await shop.makima("logs", document.task.id, "--raw");
  const numbers = Array.from(stdout.matchAll(/^line (\d+)$/gm), ([, number]) => Number(number));
  assert.deepEqual(
    numbers,
    Array.from({ length: lines }, (_, index) => index + 1),
  );
  assert.equal(shop.show(document.task.branch, "done.txt"), "done");
}

type IsReady = (child: ChildProcess, said: string) => boolean | Promise<boolean>;

function isServing(shop: Workshop): IsReady {
  return async ({ pid }) => (await serverFile(shop))?.pid === pid;
}

/** Starts a command that stays, and waits until it is ready. */
async function start(shop: Workshop, args: string[], isReady: IsReady): Promise<ChildProcess> {
  const child = shop.machine.start(args);
  let [said, complained] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (said += data.toString()));
  child.stderr.on("data", (data: Buffer) => (complained += data.toString()));
  await until(() => {
    assert.equal(child.exitCode, null, complained);
    return isReady(child, said);
  }, `makima ${args[0]} is ready`);
  return child;
}

async function killNow(child: ChildProcess): Promise<void> {
  assert.equal(child.exitCode, null, "it was still running");
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

async function stopNow(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  assert.deepEqual(await gone, [0, null]);
}

async function serverFile({ machine }: Workshop): Promise<{ pid: number; url: string } | null> {
  const text = await readFile(join(machine.makimaHome, "server.json"), "utf8").catch(() => "null");
  return JSON.parse(text) as { pid: number; url: string } | null;
}

/** Waits until the server has stored more than that of the agent's output, and gives how much (bytes). */
async function storedBeyond(shop: Workshop, size: number): Promise<number> {
  return until(async () => {
    const now = await storedSize(shop);
    return now > size ? now : null;
  }, `more than ${size} bytes are stored`);
}

async function storedSize(shop: Workshop): Promise<number> {
  const runId = (await shop.task())?.runId;
  if (typeof runId !== "string") return 0;
  const reply = (await shop.machine.get(`/api/v1/runs/${runId}/streams`)) as {
    streams: { stream: string; size: number }[];
  } | null;
  return reply?.streams.find(({ stream }) => stream === "iterations/0001/out")?.size ?? 0;
}
