import { runCommand } from "../process/command.ts";
import { type SandboxProblem, explainBubblewrap } from "./causes.ts";
import { type Environment, unavailable } from "./find.ts";
import { readKernelSettings } from "./kernel.ts";
import { prepareSandbox } from "./prepare.ts";
import { PLAIN } from "./request.ts";

/** Long for a start, which takes some milliseconds, but not for a machine under load. */
const TIME_LIMIT = 30_000;
const MAX_OUTPUT = 64 * 1024;

/** Starts a sandbox for real. Throws `sandbox_unavailable` with the kernel's reason, and the command that mends it. */
export async function probeSandbox(bwrap: string, environment: Environment): Promise<void> {
  const problem = await problemWith(bwrap, environment);
  if (problem !== null) throw unavailable(`The sandbox does not start: ${problem.cause}`, problem.fix);
}

/** What keeps a sandbox from starting; null when it starts. */
export async function problemWith(bwrap: string, { PATH }: Environment): Promise<SandboxProblem | null> {
  const prefix = await prepareSandbox(bwrap, SMALLEST);
  const { exitCode, stderr, timedOut, notStarted } = await runCommand([...prefix, "true"], {
    cwd: "/",
    env: PATH === undefined ? {} : { PATH },
    timeoutMs: TIME_LIMIT,
    maxOutputBytes: MAX_OUTPUT,
  });
  if (exitCode === 0) return null;
  if (timedOut) return { cause: `${bwrap} did not come to an end`, fix: "Try again when the machine has less to do." };
  return explainBubblewrap(bwrap, notStarted ?? stderr.toString("utf8"), await readKernelSettings());
}

/** The host's /tmp is only there, untouched: `true` writes nothing. */
const SMALLEST = { ...PLAIN, dir: "/tmp" };
