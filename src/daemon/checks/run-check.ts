import { createHash } from "node:crypto";
import { join } from "node:path";
import { parseTestCounts, ranNoTests } from "../../core/test-counts.ts";
import { attach, launch } from "../../platform/process/detached.ts";
import type { DetachedProcess, Exit } from "../../platform/process/detached.ts";
import { killByEnvironment } from "../../platform/process/reap.ts";
import type { CheckReport, TamperingReport } from "../../protocol/run-events.ts";
import { checkPath } from "../../protocol/streams.ts";
import { openCheckout } from "../checkout/checkout.ts";
import { resetHead, restoreTracked } from "../checkout/restore.ts";
import { snapshotTree } from "../checkout/snapshot.ts";
import type { RunContext } from "../runner/context.ts";
import { checkEnvironment } from "../runner/environment.ts";
import { onAbort } from "../runner/on-abort.ts";
import { outputTail } from "./output-tail.ts";

/** Output of a check that is kept, per stream (bytes): what comes after is dropped. */
const MAX_OUTPUT = 10 * 1024 * 1024;
const DRAIN = 2_000;
/** A check that is stopped gets little grace (ms): it holds nothing that must be saved. */
const GRACE = { interruptMs: 1_000, terminateMs: 1_000 };
/** Marks a check's processes, so that they can be ended without touching what the agent has left running. */
const MARKER = "MAKIMA_CHECK_ID";
/** Files that one check is flagged for: a formatter gone astray must not fill the journal. */
const MAX_FLAGGED = 100;
/** The longest time that Node can wait for (ms, 25 days); a longer one it would take for 1 ms. */
const LONGEST_TIMER = 2 ** 31 - 1;
const LOST = "its process was lost";

export interface PinnedCheck {
  name: string;
  command: string;
  /** Its own time limit in milliseconds; null: the loop's. */
  timeoutMs: number | null;
}

export interface CheckPlace {
  check: PinnedCheck;
  /** null: the baseline. */
  iteration: number | null;
  number: number;
  /** State of the checkout that is judged; the check must leave it so. */
  before: { tree: string; head: string };
}

/**
 * Runs one check in the checkout, or picks up one that an earlier daemon had started. Afterwards its processes are gone
 * and the checkout is as it was before.
 */
export async function runCheck(run: RunContext, place: CheckPlace): Promise<{ report: CheckReport; tail: string }> {
  const { check, iteration, number, before } = place;
  const path = checkPath(iteration, number);
  const startedAt = performance.now();
  using _upload = run.upload.follow(path);
  await using process = await ensureProcess(run, path, check.command);
  const { exit, timedOut } = await ended(run, process, check.timeoutMs ?? run.spec.limits.checkTimeoutMs);
  run.detach.throwIfAborted();
  const durationMs = Math.round(performance.now() - startedAt);
  // First its leftovers: a server that it left behind would hold its output open.
  await killByEnvironment(MARKER, markerOf(run, path));
  await process.drained(DRAIN);
  const tail = await outputTail(process.dir);
  const tests = parseTestCounts(tail);
  const flags = await undo(run, check.command, before);
  if (tests !== null && ranNoTests(tests))
    flags.push({ kind: "no-tests-ran", path: null, detail: `\`${check.command}\` ran no test` });
  const failure = failureOf(exit, timedOut, flags);
  const commandHash = createHash("sha256").update(check.command).digest("hex");
  const report: CheckReport = {
    name: check.name,
    command: check.command,
    commandHash,
    passed: failure === null,
    exitCode: exit.kind === "exited" ? exit.code : null,
    timedOut,
    durationMs,
    tests,
    stream: `${path}/out`,
    baseline: iteration === null ? null : baselineOf(run, commandHash),
    failure,
    flags,
  };
  return { report, tail };
}

async function ensureProcess(run: RunContext, path: string, command: string): Promise<DetachedProcess> {
  const { checkout } = run.state;
  if (checkout === null) throw new Error("a check needs a checkout");
  const dir = join(run.directory.path, path);
  const env = checkEnvironment(run.spec, run.services.passEnv, run.services.environment);
  return (
    (await attach(dir)) ??
    (await launch({
      argv: ["/bin/sh", "-c", command],
      cwd: checkout.worktree,
      env: { ...env, [MARKER]: markerOf(run, path) },
      stdinFile: null,
      dir,
      maxOutputBytes: MAX_OUTPUT,
    }))
  );
}

function markerOf(run: RunContext, path: string): string {
  return `${run.spec.runId}/${path}`;
}

/** Waits for the check's end, or makes it: at its time limit, or when the run is cancelled. */
async function ended(
  run: RunContext,
  process: DetachedProcess,
  timeoutMs: number,
): Promise<{ exit: Exit; timedOut: boolean }> {
  let timedOut = false;
  const stop = (): void => void process.stop(GRACE).catch(() => undefined);
  const timer = setTimeout(
    () => {
      timedOut = true;
      stop();
    },
    Math.min(timeoutMs, LONGEST_TIMER),
  );
  using _cancelled = onAbort(run.cancel.signal, stop);
  using _letGo = onAbort(run.detach, () => void process[Symbol.asyncDispose]());
  try {
    return { exit: await process.exited, timedOut };
  } finally {
    clearTimeout(timer);
  }
}

/** Takes back what the check did to HEAD and to the checkout's files, and says what it was. */
async function undo(run: RunContext, command: string, before: CheckPlace["before"]): Promise<TamperingReport[]> {
  const { git } = run.services;
  const checkout = await openCheckout(run.state.checkout?.worktree ?? "");
  const after = await snapshotTree(git, checkout);
  const flags: TamperingReport[] = [];
  if (await resetHead(git, checkout, before.head)) {
    flags.push({ kind: "check-moved-head", path: null, detail: `\`${command}\` moved HEAD to ${after.head}` });
  }
  if (after.tree === before.tree) return flags;
  for (const path of (await restoreTracked(git, checkout, before.tree)).slice(0, MAX_FLAGGED)) {
    flags.push({ kind: "check-changed-files", path, detail: `changed by \`${command}\`; undone` });
  }
  return flags;
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

/** A baseline that was lost with the machine says nothing: a check must not seem to have been mended by that. */
function baselineOf(run: RunContext, commandHash: string): boolean | null {
  const report = run.state.baseline?.find((other) => other.commandHash === commandHash);
  return report === undefined || report.failure === LOST ? null : report.passed;
}
