import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RunDirectory } from "../../src/daemon/journal/run-directory.ts";
import { Wishes } from "../../src/daemon/journal/wishes.ts";
import { RunUpload } from "../../src/daemon/link/upload.ts";
import { RunContext } from "../../src/daemon/runner/context.ts";
import type { RunnerServices } from "../../src/daemon/runner/context.ts";
import { UsageLimits } from "../../src/daemon/runner/usage-limits.ts";
import { systemClock } from "../../src/platform/clock.ts";
import type { Clock } from "../../src/platform/clock.ts";
import { defaultAgent } from "../../src/platform/config/config.ts";
import { createGit } from "../../src/platform/git/git.ts";
import { createLogger } from "../../src/platform/log.ts";
import { killByEnvironment } from "../../src/platform/process/reap.ts";
import type { RunEvent, RunEventOf } from "../../src/protocol/run-events.ts";
import type { LoopLimits, RunSpec, Supervision } from "../../src/protocol/run-spec.ts";
import { openTestRepository } from "./repository.ts";
import type { TestRepository } from "./repository.ts";
import { sandboxesAt } from "./sandboxes.ts";

export const silent = createLogger({ level: "silent", format: "json", stream: { write: () => undefined } });

/** Generous where only time could end a test; whatever tests a limit sets its own. */
const LIMITS: LoopLimits = {
  maxIterations: 10,
  noChangeThreshold: 3,
  sameErrorThreshold: 5,
  permissionDenialThreshold: 2,
  sameToolThreshold: 5,
  budgetUsd: null,
  wallClockMs: null,
  idleTimeoutMs: 120_000,
  iterationTimeoutMs: 120_000,
  checkTimeoutMs: 120_000,
  retryBackoffMs: 0,
  waitForUsageLimit: true,
  maxWaitMs: 60_000,
  baseline: true,
  onTampering: "flag",
};

export interface SpecFields extends Partial<Omit<RunSpec, "limits">> {
  limits?: Partial<LoopLimits>;
}

export function runSpec({ limits, ...fields }: SpecFields = {}): RunSpec {
  return {
    runId: randomUUID(),
    fence: 1,
    taskId: randomUUID(),
    taskName: "task",
    contractId: randomUUID(),
    contractName: "contract",
    goal: "Make it work",
    repository: "/nowhere",
    base: "0".repeat(40),
    branch: "makima/goal/task",
    includeChanges: false,
    agent: "script",
    autonomousLoop: true,
    supervision: null,
    checks: [],
    limits: { ...LIMITS, ...limits },
    bubblewrap: false,
    taskToken: "mk_task_test",
    resume: null,
    ...fields,
  };
}

/** What makes a run a supervisor's. */
export const supervision: Supervision = {
  type: "simple",
  phase: "plan",
  phases: [
    { phase: "plan", files: ["plan"] },
    { phase: "execute", files: [] },
  ],
  goals: ["It greets"],
  integrationBranch: "makima/goal/integration-12345678",
};

/** Shell commands with which an agent prints a completion gate. */
export function printGate(ready: boolean, progress = "Did it"): string {
  return `printf '<COMPLETION_GATE>\\nready: ${ready}\\nprogress: "${progress}"\\n</COMPLETION_GATE>\\n'`;
}

/** The events of one type, in order. */
export function eventsOf<T extends RunEvent["type"]>(events: readonly RunEvent[], type: T): RunEventOf<T>[] {
  return events.filter((event): event is RunEventOf<T> => event.type === type);
}

export interface BenchOptions {
  /**
   * Shell commands that work in the checkout. `$n` is which iteration it is, `$bench` a directory to leave marks in, also
   * from a sandbox.
   */
  agent: string;
  spec?: SpecFields;
  files?: Record<string, string>;
  clock?: Clock;
}

/** A daemon's hold on the run: dropping it is what a daemon does that closes. */
export interface Hold extends AsyncDisposable {
  context: RunContext;
  detach: AbortController;
}

/** One run in a real repository, with a real agent and no server. Disposing it proves that no process of it is left. */
export interface Bench extends AsyncDisposable {
  repository: TestRepository;
  spec: RunSpec;
  place: RunnerPlace;
  /** Where the agent leaves its marks. */
  marks: string;
  /** The run's directory. */
  path: string;
  services: RunnerServices;
  /** Takes the run up as a daemon does that has just started; `recorded` hears of what it writes to the journal. */
  takeUp(recorded?: (event: RunEvent, hold: Hold) => void): Promise<Hold>;
  /** What the journal holds, in order. */
  events(): Promise<RunEvent[]>;
  finished(): Promise<RunEventOf<"finished">>;
  /** The directories of checkouts that are there. */
  checkouts(): string[];
}

/** Where runs work, and the program that is their agent. */
export interface RunnerPlace {
  worktrees: string;
  environment: Record<string, string>;
  program: string;
  /** What sandboxed processes may write, besides what they are given. */
  writable?: string[];
}

export function runnerServices({ worktrees, environment, program, writable = [] }: RunnerPlace): RunnerServices {
  const sandboxes = sandboxesAt({ worktrees, environment }, { writable });
  return {
    clock: systemClock,
    log: silent,
    git: createGit(environment, (dir) => sandboxes.forGit(dir)),
    sandboxes,
    worktrees,
    environment,
    passEnv: [],
    serverUrl: "http://127.0.0.1:1",
    bin: "/nowhere/bin",
    loadAgents: async () => ({ script: { ...defaultAgent("command"), command: [program] } }),
    allowsRepository: () => true,
    usageLimits: new UsageLimits(),
  };
}

export async function openBench({ agent, spec: fields, files, clock = systemClock }: BenchOptions): Promise<Bench> {
  const repository = await openTestRepository(files);
  const spec = runSpec({ repository: repository.dir, base: repository.base, ...fields });
  // Whoever is sandboxed must not be able to write beside the repository.
  const marks = spec.bubblewrap ? join(repository.root, "marks") : repository.root;
  await mkdir(marks, { recursive: true });
  const program = await writeAgent(marks, agent);
  const runs = join(repository.root, "runs");
  await mkdir(runs);
  const { worktrees, environment } = repository;
  const place = { worktrees, environment, program, writable: spec.bubblewrap ? [marks] : [] };
  const services = { ...runnerServices(place), clock };
  const path = join(runs, spec.runId);
  const events = async (): Promise<RunEvent[]> => (await RunDirectory.open(path)).readJournal();
  return {
    repository,
    spec,
    place,
    marks,
    path,
    services,
    takeUp: async (recorded) => takeUp(await RunDirectory.create(runs, spec), services, recorded),
    events,
    finished: async () => {
      const last = (await events()).at(-1);
      assert.equal(last?.type, "finished");
      return last;
    },
    checkouts: () => {
      const names = existsSync(repository.worktrees) ? readdirSync(repository.worktrees) : [];
      return names.filter((name) => /^[\w-]+$/.test(name)).map((name) => join(repository.worktrees, name));
    },
    [Symbol.asyncDispose]: async () => {
      assert.ok(await killByEnvironment("MAKIMA_RUN_ID", spec.runId));
      // A shim still writes down the end of what was killed.
      await rm(repository.root, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

async function writeAgent(root: string, commands: string): Promise<string> {
  const program = join(root, "agent.sh");
  const count = `bench="${root}"\nn=$(($(cat "$bench/count" 2>/dev/null || echo 0) + 1))\necho $n >"$bench/count"\n`;
  await writeFile(program, `#!/bin/sh\ncat >"${root}/prompt"\n${count}${commands}\n`);
  await chmod(program, 0o755);
  return program;
}

async function takeUp(
  directory: RunDirectory,
  services: RunnerServices,
  recorded: (event: RunEvent, hold: Hold) => void = () => undefined,
): Promise<Hold> {
  const detach = new AbortController();
  const failed = (error: unknown): void => assert.fail(String(error));
  const upload = new RunUpload(directory, { delivered: () => undefined, failed });
  const wishes = await Wishes.open(directory.path);
  const context = new RunContext(services, { directory, wishes, upload, detach: detach.signal });
  const hold: Hold = {
    context,
    detach,
    [Symbol.asyncDispose]: async () => {
      detach.abort(new DOMException("The daemon is closing", "AbortError"));
      await context.catchUp();
      upload[Symbol.dispose]();
      directory.closeJournal();
    },
  };
  const append = directory.append.bind(directory);
  directory.append = (events, options) => {
    append(events, options);
    for (const event of events) recorded(event, hold);
  };
  return hold;
}
