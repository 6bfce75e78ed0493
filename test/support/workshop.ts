import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Task } from "../../src/protocol/api.ts";
import { say } from "../scripted-model/script.ts";
import type { Script, Step } from "../scripted-model/script.ts";
import { startScriptedModel } from "../scripted-model/server.ts";
import type { ScriptedModel } from "../scripted-model/server.ts";
import { claudeCommand, claudeEnvironment } from "./claude.ts";
import type { ClaudeLogin } from "./claude.ts";
import { makeMachine, outcomeOf } from "./machine.ts";
import type { Machine, Outcome } from "./machine.ts";
import { hashRepository, writeFiles } from "./repository.ts";
import { RunDocument } from "./run-document.ts";
import { until } from "./until.ts";

export interface WorkshopOptions {
  /** What the model does: one list of steps for each iteration, the last one repeated for ever. */
  turns?: Script | Step[][];
  login?: ClaudeLogin;
  /** A program of test/fixtures/agents that works instead of Claude Code; `kind` is how it speaks. */
  agent?: { program: string; kind?: "claude" | "command" };
  /** The files of the repository's only commit. */
  files?: Record<string, string>;
  /** Files that are then written and not committed. */
  changes?: Record<string, string>;
  /** More of the section of Claude Code: whole lines. */
  claude?: string;
  /** More of the configuration file: whole sections. */
  config?: string;
}

/** An outcome of `run` or `resume`, with the one document that it prints. */
export interface RunResult extends Outcome {
  document: RunDocument;
}

/**
 * A person's machine with a repository, an agent and a model that follows a script. When it is disposed, no process of
 * it may be left, and the repository (files, HEAD, index, configuration, hooks) must be what it was.
 */
export interface Workshop extends AsyncDisposable {
  machine: Machine;
  /** Every prompt and request of the agent. */
  model: ScriptedModel;
  /** The person's checkout. */
  repository: string;
  /** The commit that it is at. */
  base: string;
  /** `makima run GOAL --json` in the repository, followed to its end. */
  run(goal: string, ...options: string[]): Promise<RunResult>;
  /** The same, left running. */
  startRun(goal: string, ...options: string[]): RunningRun;
  /** `makima resume TASK --json`. */
  resume(task: string, ...options: string[]): Promise<RunResult>;
  /** Any command, in the repository. */
  makima(...args: string[]): Promise<Outcome>;
  /** The only task that there is; null before there is one, and while the server is away. */
  task(): Promise<Task | null>;
  git(...args: string[]): string;
  /** Content of a file on a branch. */
  show(branch: string | null, path: string): string;
  /** What makima must not leave behind after a run that could not begin: checkouts, branches, refs. */
  leftovers(): string[];
}

export interface RunningRun {
  child: ChildProcessWithoutNullStreams;
  result: Promise<RunResult>;
}

export async function makeWorkshop(options: WorkshopOptions): Promise<Workshop> {
  await using stack = new AsyncDisposableStack();
  const { turns = [] } = options;
  const model = stack.use(await startScriptedModel(Array.isArray(turns) ? { turns } : turns));
  const root = await realpath(await mkdtemp(join(tmpdir(), "makima-repository-")));
  stack.defer(() => rm(root, { recursive: true, force: true }));
  const repository = join(root, "project");
  await makeRepository(repository, options);
  const hash = await hashRepository(repository);
  // After the machine is at rest: nothing that it did at its end may have touched the repository either.
  stack.defer(async () => assert.equal(await hashRepository(repository), hash, "the person's repository was changed"));
  const machine = stack.use(await makeMachine());
  await machine.configure(configurationOf(options, machine, model.url));
  const owned = stack.move();
  return { ...benchOf({ machine, model, repository, options }), [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** What an agent prints at the end of its turn. */
export function gate(
  ready: boolean,
  { reason = "because", progress = "some work", blockers = [] as string[] } = {},
): string {
  const list = blockers.length === 0 ? "" : `blockers: ${JSON.stringify(blockers)}\n`;
  return `<COMPLETION_GATE>\nready: ${ready}\nreason: "${reason}"\nprogress: "${progress}"\n${list}</COMPLETION_GATE>`;
}

/** The step in which the model says that it is ready. */
export function claim(progress = "Did it"): Step {
  return say(`I am done.\n${gate(true, { progress })}`);
}

/** The path of a program of test/fixtures/agents. */
export function agentProgram(name: string): string {
  return fileURLToPath(new URL(`../fixtures/agents/${name}`, import.meta.url));
}

/** The prompts that the model has got, one for each iteration. */
export function promptsOf({ requests }: ScriptedModel): string[] {
  const prompts = new Map<string, string>();
  for (const { role, session, iteration, prompt } of requests) {
    const key = `${session} ${iteration}`;
    if (role === "main" && !prompts.has(key)) prompts.set(key, prompt);
  }
  return [...prompts.values()];
}

function benchOf({
  machine,
  model,
  repository,
  options,
}: Pick<Workshop, "machine" | "model" | "repository"> & {
  options: WorkshopOptions;
}): Omit<Workshop, keyof AsyncDisposable> {
  const at = { cwd: repository };
  const git = (...args: string[]): string => gitIn(repository, machine.environment, args);
  const agent = options.agent === undefined ? [] : ["--agent", agentName(options.agent.program)];
  const runArguments = (goal: string, more: string[]): string[] => ["run", goal, "--json", ...agent, ...more];
  const makima = (...args: string[]): Promise<Outcome> => machine.makima(args, at);
  return {
    machine,
    model,
    repository,
    base: git("rev-parse", "HEAD"),
    git,
    makima,
    run: async (goal, ...more) => withDocument(await makima(...runArguments(goal, more))),
    startRun: (goal, ...more) => {
      const child = machine.start(runArguments(goal, more), at);
      return { child, result: outcomeOf(child).then(withDocument) };
    },
    resume: async (task, ...more) => withDocument(await makima("resume", task, "--json", ...more)),
    task: async () => {
      const reply = (await machine.get("/api/v1/tasks")) as { tasks: Task[] } | null;
      const tasks = reply?.tasks ?? [];
      assert.ok(tasks.length <= 1, `${tasks.length} tasks`);
      return tasks[0] ?? null;
    },
    show: (branch, path) => git("show", `${branch}:${path}`),
    leftovers: () => leftoversOf(git),
  };
}

function leftoversOf(git: Workshop["git"]): string[] {
  const worktrees = git("worktree", "list", "--porcelain").match(/^worktree .*/gm) ?? [];
  const refs = git("for-each-ref", "--format=%(refname)").split("\n");
  return [...worktrees.slice(1), ...refs.filter((ref) => ref !== "refs/heads/main")];
}

function withDocument(outcome: Outcome): RunResult {
  const lines = outcome.stdout.split("\n");
  assert.deepEqual([lines.length, lines[1]], [2, ""], `not one document: ${outcome.stdout}\n${outcome.stderr}`);
  return { ...outcome, document: RunDocument.parse(JSON.parse(outcome.stdout)) };
}

/** Every file of a branch with its content. */
export function treeOf(shop: Workshop, branch: string): Record<string, string> {
  const paths = shop.git("ls-tree", "-r", "--name-only", branch).split("\n");
  return Object.fromEntries(paths.map((path) => [path, `${shop.show(branch, path)}\n`]));
}

/** Waits for what an agent of test/fixtures/agents says in a file of the machine's home; trimmed. */
export async function fileInHome({ home }: Machine, name: string): Promise<string> {
  const read = (): Promise<string> => readFile(join(home, name), "utf8").catch(() => "");
  return (await until(async () => (await read()).match(/^[^]*\n$/)?.[0], `the agent writes ${name}`)).trim();
}

async function makeRepository(
  dir: string,
  { files = { "a.txt": "one\n" }, changes = {} }: WorkshopOptions,
): Promise<void> {
  const environment = {
    PATH: process.env["PATH"] ?? "",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_AUTHOR_NAME: "Ada",
    GIT_AUTHOR_EMAIL: "ada@example.com",
    GIT_COMMITTER_NAME: "Ada",
    GIT_COMMITTER_EMAIL: "ada@example.com",
  };
  await writeFiles(dir, files);
  gitIn(dir, environment, ["init", "--quiet", "--initial-branch=main"]);
  gitIn(dir, environment, ["add", "--all"]);
  gitIn(dir, environment, ["commit", "--quiet", "--message=First"]);
  await writeFiles(dir, changes);
}

function gitIn(cwd: string, env: Record<string, string>, args: string[]): string {
  // Looking at a repository must not refresh its index: that is compared with what it was.
  const environment = { ...env, GIT_OPTIONAL_LOCKS: "0" };
  return execFileSync("git", args, {
    cwd,
    env: environment,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  }).trim();
}

function configurationOf(
  { agent, login, claude = "", config = "" }: WorkshopOptions,
  { home }: Machine,
  modelUrl: string,
): string {
  const env = Object.entries(claudeEnvironment(home, modelUrl, login)).map(([name, value]) => `${name} = "${value}"`);
  const sections = [`[agents.claude]\ncommand = "${claudeCommand}"\nenv = { ${env.join(", ")} }\n${claude}`];
  if (agent !== undefined) {
    const { program, kind = "command" } = agent;
    sections.push(`[agents.${agentName(program)}]\nkind = "${kind}"\ncommand = "${agentProgram(program)}"`);
  }
  return [...sections, config, ""].join("\n\n");
}

/** The name under which a program is configured. */
function agentName(program: string): string {
  return program.replace(/\.\w+$/, "");
}
