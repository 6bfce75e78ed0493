import { mkdir, open, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { Environment } from "../../platform/config/paths.ts";
import { MINUTE } from "../../platform/config/units.ts";
import { ensurePrivateDir } from "../../platform/files.ts";
import { runCommand } from "../../platform/process/command.ts";
import type { CommandResult } from "../../platform/process/command.ts";
import type { Db } from "../db/store.ts";
import { listStreams, readStream } from "../runs/streams.ts";

export interface ArchiveOptions {
  /** Program and arguments; the run's directory becomes the last one. */
  command: readonly string[];
  archiveDir: string;
  environment: Environment;
  signal: AbortSignal;
}

/** Longest that the command may take for one run (ms): an upload of some gigabytes. Less than half a term of Duty. */
const TIME_LIMIT = 10 * MINUTE;

/** What is kept of its output (bytes), and what of that is told (characters). */
const OUTPUT_LIMIT = 64 * 1024;
const TOLD = 1000;

/**
 * Writes a run into a directory of its own (mode 0700) and hands that to the archive command: its streams, under the paths
 * that they have below the run's directory on its daemon, and `run.json`. null: the command has exited with 0; otherwise
 * what went wrong. The directory is gone afterwards. Rejects with the reason of `signal`.
 */
export async function archiveRun(db: Db, runId: string, options: ArchiveOptions): Promise<string | null> {
  const { command, archiveDir, environment, signal } = options;
  const dir = join(archiveDir, runId);
  try {
    // A kill may have left it behind, half written.
    await rm(dir, { recursive: true, force: true });
    await writeRun(db, runId, dir, signal);
    const result = await runCommand([...command, dir], {
      cwd: archiveDir,
      env: defined(environment),
      timeoutMs: TIME_LIMIT,
      maxOutputBytes: OUTPUT_LIMIT,
      signal,
    });
    return problemOf(result);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function writeRun(db: Db, runId: string, dir: string, signal: AbortSignal): Promise<void> {
  await ensurePrivateDir(dir);
  const description = JSON.stringify(await describeRun(db, runId), null, 2);
  await writeFile(join(dir, "run.json"), `${description}\n`, { mode: 0o600 });
  for (const { stream } of await listStreams(db, runId)) {
    // Stored streams have names that are safe paths: the link takes no others.
    await writeStream(db, runId, stream, join(dir, stream), signal);
  }
}

async function describeRun(db: Db, runId: string): Promise<object> {
  const run = await db
    .selectFrom("runs")
    .innerJoin("tasks", "tasks.id", "runs.task_id")
    .innerJoin("contracts", "contracts.id", "tasks.contract_id")
    .select(["runs.id as runId", "runs.fence", "runs.status", "runs.daemon_id as daemonId", "runs.head"])
    .select(["runs.created_at as createdAt", "runs.started_at as startedAt", "runs.ended_at as endedAt"])
    .select([
      "tasks.id as taskId",
      "tasks.name as task",
      "tasks.repository",
      "tasks.base",
      "tasks.branch",
      "tasks.agent",
    ])
    .select(["contracts.id as contractId", "contracts.name as contract"])
    .select((eb) => eb.fn.coalesce("tasks.goal", "contracts.goal").as("goal"))
    .where("runs.id", "=", runId)
    .executeTakeFirstOrThrow();
  const iterations = await db
    .selectFrom("iterations")
    .select(["index", "session_id as sessionId", "verdict", "reason", "error", "cost_usd as costUsd"])
    .select(["started_at as startedAt", "duration_ms as durationMs"])
    .where("run_id", "=", runId)
    .orderBy("index")
    .execute();
  return { ...run, iterations };
}

async function writeStream(db: Db, runId: string, stream: string, path: string, signal: AbortSignal): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await using file = await open(path, "wx", 0o600);
  let offset = 0;
  for (;;) {
    signal.throwIfAborted();
    const { data, atEnd } = await readStream(db, runId, stream, offset);
    await file.writeFile(data);
    if (atEnd) return;
    offset += data.length;
  }
}

function defined(environment: Environment): Record<string, string> {
  const set = Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(set);
}

function problemOf({ exitCode, signal, timedOut, notStarted, stdout, stderr }: CommandResult): string | null {
  if (exitCode === 0) return null;
  if (notStarted !== null) return `the archive command cannot be started: ${notStarted}`;
  const end = timedOut ? "took too long" : exitCode === null ? `was ended by ${signal}` : `exited with ${exitCode}`;
  const said = stripVTControlCharacters(Buffer.concat([stdout, stderr]).toString("utf8"))
    .trim()
    .slice(-TOLD);
  return `the archive command ${end}${said === "" ? "" : `: ${said}`}`;
}
