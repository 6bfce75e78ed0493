import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { until } from "../support/until.ts";
import type { Workshop } from "../support/workshop.ts";
import { fileInHome, makeWorkshop } from "../support/workshop.ts";

/** makima is killed in mid-iteration, over and over; its agent must not notice, and nothing that it prints be lost. */

const KILLS = 10;
const AGENT = { program: "prints-numbered-lines.sh" };

describe("kill -9", { concurrency: true }, () => {
  it("of `makima up` ten times in a row neither stops the agent nor loses its output", async () => {
    await using shop = await makeWorkshop({ agent: AGENT });
    let up = await startUp(shop);
    const { result } = shop.startRun("Count");
    let stored = await storedBeyond(shop, 0);
    for (let round = 0; round < KILLS; round += 1) {
      await killNow(up);
      up = await startUp(shop);
      // Every other time it dies before it can have sent much, if anything.
      if (round % 2 === 0) stored = await storedBeyond(shop, stored);
    }
    await finishAndCompare(shop, await finish(shop, result));
    await stopNow(up);
  });

  it("of the daemon ten times in a row neither stops the agent nor loses its output", async () => {
    await using shop = await makeWorkshop({ agent: AGENT });
    const server = await startServer(shop, "0");
    let daemon = await startDaemon(shop);
    const { result } = shop.startRun("Count");
    let stored = await storedBeyond(shop, 0);
    for (let round = 0; round < KILLS; round += 1) {
      await killNow(daemon);
      daemon = await startDaemon(shop);
      if (round % 2 === 0) stored = await storedBeyond(shop, stored);
    }
    await finishAndCompare(shop, await finish(shop, result));
    await stopNow(daemon);
    await stopNow(server);
  });

  it("of the server, too, while the daemon and the agent go on", async () => {
    await using shop = await makeWorkshop({ agent: AGENT });
    // The daemon comes back to the address that it knows, so the server has to as well.
    let server = await startServer(shop, "0");
    const { port } = new URL((await serverFile(shop))?.url ?? "");
    const daemon = await startDaemon(shop);
    const { result } = shop.startRun("Count");
    let stored = await storedBeyond(shop, 0);
    for (let round = 0; round < 3; round += 1) {
      await killNow(server);
      server = await startServer(shop, port);
      stored = await storedBeyond(shop, stored);
    }
    await finishAndCompare(shop, await finish(shop, result));
    await stopNow(daemon);
    await stopNow(server);
  });
});

type RunResult = Awaited<ReturnType<Workshop["run"]>>;

async function finish(shop: Workshop, result: Promise<RunResult>): Promise<RunResult> {
  await writeFile(join(shop.machine.home, "finish"), "");
  return result;
}

/** One process did it all, in one iteration, and each of its lines is there once and in order. */
async function finishAndCompare(shop: Workshop, { code, document, stderr }: RunResult): Promise<void> {
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

async function startUp(shop: Workshop): Promise<ChildProcess> {
  return start(shop, ["up", "--port", "0"], async (up) => (await serverFile(shop))?.pid === up.pid);
}

async function startServer(shop: Workshop, port: string): Promise<ChildProcess> {
  return start(shop, ["server", "--port", port], async (server) => (await serverFile(shop))?.pid === server.pid);
}

/** It says so when it has taken over the runs that it found. */
async function startDaemon(shop: Workshop): Promise<ChildProcess> {
  return start(shop, ["daemon"], (_daemon, said) => said.includes("works for"));
}

/** Starts a command that stays, and waits until it is ready. */
async function start(
  shop: Workshop,
  args: string[],
  isReady: (child: ChildProcess, said: string) => boolean | Promise<boolean>,
): Promise<ChildProcess> {
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
