import { join } from "node:path";
import type { CheckReport, TamperingReport } from "../../protocol/run-events.ts";
import { checkPath } from "../../protocol/streams.ts";
import { openCheckout } from "../checkout/checkout.ts";
import { resetHead, restoreTracked } from "../checkout/restore.ts";
import { snapshotTree } from "../checkout/snapshot.ts";
import type { RunContext } from "../runner/context.ts";
import { checkEnvironment } from "../runner/environment.ts";
import { sandboxPlace } from "../runner/place.ts";
import { sandboxVariables } from "../sandbox/caches.ts";
import { commandHash, followCheck, LOST, reportOf } from "./check-process.ts";
import type { CheckProcess } from "./check-process.ts";

/** Files that one check is flagged for: a formatter gone astray must not fill the journal. */
const MAX_FLAGGED = 100;

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
  const { spec, state } = run;
  if (state.checkout === null) throw new Error("a check needs a checkout");
  const path = checkPath(iteration, number);
  using _upload = run.upload.follow(path);
  const end = await followCheck({
    command: check.command,
    cwd: state.checkout.worktree,
    ...(await surroundings(run)),
    dir: join(run.directory.path, path),
    marker: `${spec.runId}/${path}`,
    timeoutMs: check.timeoutMs ?? spec.limits.checkTimeoutMs,
    stop: run.cancel.signal,
    letGo: run.detach,
  });
  const flags = await undo(run, check.command, before);
  const baseline = iteration === null ? null : baselineOf(run, check.command);
  return { report: reportOf(check, end, { flags, stream: `${path}/out`, baseline }), tail: end.tail };
}

/** Environment of a check, and the sandbox that it runs in. */
async function surroundings(run: RunContext): Promise<Pick<CheckProcess, "env" | "sandbox">> {
  const { spec, services } = run;
  if (!run.state.sandboxed) return { env: checkEnvironment(spec, services), sandbox: null };
  const place = await sandboxPlace(run);
  const env = checkEnvironment(spec, services, sandboxVariables(place.caches));
  return { env, sandbox: await services.sandboxes.forCheck({ ...place, env }) };
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

/** A baseline that was lost with the machine says nothing: a check must not seem to have been mended by that. */
function baselineOf(run: RunContext, command: string): boolean | null {
  const hash = commandHash(command);
  const report = run.state.baseline?.find((other) => other.commandHash === hash);
  return report === undefined || report.failure === LOST ? null : report.passed;
}
