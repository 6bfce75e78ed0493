import { createHash } from "node:crypto";
import { parseTestCounts, ranNoTests } from "../../core/test-counts.ts";
import { attach, launch } from "../../platform/process/detached.ts";
import type { DetachedProcess, Exit } from "../../platform/process/detached.ts";
import { killByEnvironment } from "../../platform/process/reap.ts";
import type { CheckReport, TamperingReport } from "../../protocol/run-events.ts";
import { onAbort } from "../runner/on-abort.ts";
import { outputTail } from "./output-tail.ts";

/** Output of a check that is kept, per stream (bytes): what comes after is dropped. */
const MAX_OUTPUT = 10 * 1024 * 1024;
const DRAIN = 2_000;
/** A check that is stopped gets little grace (ms): it holds nothing that must be saved. */
const GRACE = { interruptMs: 1_000, terminateMs: 1_000 };
/** Marks a check's processes, so that they can be ended without touching what the agent has left running. */
const MARKER = "MAKIMA_CHECK_ID";
/** The longest time that Node can wait for (ms, 25 days); a longer one it would take for 1 ms. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** Why a check failed whose process nobody knows the end of. */
export const LOST = "its process was lost";

export interface CheckProcess {
  command: string;
  /** Where it works. */
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** What stands before it to sandbox it; null: nothing. */
  sandbox: readonly string[] | null;
  /** Gets its output; made if need be. */
  dir: string;
  /** Tells its processes from those of every other check. */
  marker: string;
  timeoutMs: number;
  /** Ends the check. */
  stop: AbortSignal;
  /** Lets go of the check, which goes on; its reason is thrown. */
  letGo?: AbortSignal;
}

/** How a check's process ended. */
export interface CheckEnd {
  exit: Exit;
  timedOut: boolean;
  durationMs: number;
  /** End of its output, as plain text. */
  tail: string;
}

/** Starts a check, or picks up one that an earlier daemon had started, and follows it to its end; no process of it stays. */
export async function followCheck(check: CheckProcess): Promise<CheckEnd> {
  const startedAt = performance.now();
  await using process = (await attach(check.dir)) ?? (await start(check));
  const { exit, timedOut } = await ended(process, check);
  check.letGo?.throwIfAborted();
  const durationMs = Math.round(performance.now() - startedAt);
  // First its leftovers: a server that it left behind would hold its output open.
  await killByEnvironment(MARKER, check.marker);
  await process.drained(DRAIN);
  return { exit, timedOut, durationMs, tail: await outputTail(process.dir) };
}

/** What a check comes to that ended so. `flags`: what it did to the checkout. `stream`: where its output is to be read. */
export function reportOf(
  { name, command }: { name: string; command: string },
  { exit, timedOut, durationMs, tail }: CheckEnd,
  { flags, stream, baseline }: { flags: readonly TamperingReport[]; stream: string; baseline: boolean | null },
): CheckReport {
  const tests = parseTestCounts(tail);
  const allFlags = tests !== null && ranNoTests(tests) ? [...flags, noTestsRan(command)] : [...flags];
  const failure = failureOf(exit, timedOut, allFlags);
  return {
    name,
    command,
    commandHash: commandHash(command),
    passed: failure === null,
    exitCode: exit.kind === "exited" ? exit.code : null,
    timedOut,
    durationMs,
    tests,
    stream,
    baseline,
    failure,
    flags: allFlags,
  };
}

/** SHA-256, hex. */
export function commandHash(command: string): string {
  return createHash("sha256").update(command).digest("hex");
}

async function start({ command, cwd, env, sandbox, dir, marker }: CheckProcess): Promise<DetachedProcess> {
  return launch({
    argv: ["/bin/sh", "-c", command],
    cwd,
    env: { ...env, [MARKER]: marker },
    stdinFile: null,
    dir,
    sandbox,
    maxOutputBytes: MAX_OUTPUT,
  });
}

/** Waits for the check's end, or makes it: at its time limit, or when it is to stop. */
async function ended(
  process: DetachedProcess,
  { timeoutMs, stop, letGo }: CheckProcess,
): Promise<{ exit: Exit; timedOut: boolean }> {
  let timedOut = false;
  const end = (): void => void process.stop(GRACE).catch(() => undefined);
  const timer = setTimeout(
    () => {
      timedOut = true;
      end();
    },
    Math.min(timeoutMs, LONGEST_TIMER),
  );
  using _stopped = onAbort(stop, end);
  using _letGo = letGo && onAbort(letGo, () => void process[Symbol.asyncDispose]());
  try {
    return { exit: await process.exited, timedOut };
  } finally {
    clearTimeout(timer);
  }
}

function noTestsRan(command: string): TamperingReport {
  return { kind: "no-tests-ran", path: null, detail: `\`${command}\` ran no test` };
}

function failureOf(exit: Exit, timedOut: boolean, flags: readonly TamperingReport[]): string | null {
  if (timedOut) return "took longer than its time limit";
  if (exit.kind === "lost") return LOST;
  if (exit.kind === "signaled") return `ended by ${exit.signal}`;
  if (exit.code !== 0) return `exited ${exit.code}`;
  if (flags.some(({ kind }) => kind === "check-moved-head")) return "moved HEAD";
  if (flags.some(({ kind }) => kind === "no-tests-ran")) return "ran no test";
  return null;
}
