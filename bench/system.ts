import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { clientFor } from "../src/cli/http.ts";
import { openSocket } from "../src/cli/socket.ts";
import type { Client, Endpoint } from "../src/client/client.ts";
import { Subscriber } from "../src/client/subscriber.ts";
import { defaultConfig } from "../src/platform/config/config.ts";
import { cli, makeMachine } from "../test/support/machine.ts";
import type { Machine } from "../test/support/machine.ts";

/** A whole makima, server and daemon as processes of their own, that runs one shell script as its agent. */
export interface System extends AsyncDisposable {
  client: Client;
  endpoint: Endpoint;
  repository: string;
  base: string;
  /** makima's data directory. */
  home: string;
  /** Process ids of the server and of the daemon. */
  pids: { server: number; daemon: number };
  /** Starts a task whose agent is the script; resolves with the task's id and the change feed's position before it. */
  start(task: { maxIterations: number; bubblewrap?: boolean }): Promise<{ taskId: string; cursor: number }>;
  subscriber(): Subscriber;
}

/** Longest that a subscriber may be without a connection (ms). */
const GIVE_UP = 10_000;

export async function startSystem(agentScript: string, { maxTasks }: { maxTasks: number }): Promise<System> {
  const machine = await makeMachine();
  const agent = join(machine.root, "agent.sh");
  await writeFile(agent, agentScript);
  await chmod(agent, 0o755);
  // The benchmark itself polls more than anybody may.
  await machine.configure(`[server]\nrateLimit = 1000000\n[agents.bench]\ncommand = ["${agent}"]\n`);
  const { repository, base } = await makeRepository(machine);
  const server = background(machine, ["server", "--port", "0"]);
  const endpoint = await endpointOf(machine);
  const daemon = background(machine, ["daemon", "--max-tasks", String(maxTasks)]);
  const client = clientFor(endpoint);
  await until(async () => (await client.call("listDaemons", {})).daemons.some(({ online }) => online));
  return {
    client,
    endpoint,
    repository,
    base,
    home: machine.makimaHome,
    pids: { server: server.pid ?? 0, daemon: daemon.pid ?? 0 },
    start: async ({ maxIterations, bubblewrap = false }) => {
      const limits = { ...defaultConfig().loop, maxIterations, noChangeThreshold: maxIterations, baseline: false };
      const settings = { autonomousLoop: maxIterations > 1, bubblewrap, limits };
      const contract = { name: "bench", goal: "Measure", agent: "bench", repository, base, settings };
      const { task, cursor } = await client.call("createContract", contract);
      return { taskId: task.id, cursor };
    },
    subscriber: () => new Subscriber({ endpoint: async () => endpoint, openSocket, giveUpAfter: GIVE_UP }),
    [Symbol.asyncDispose]: async () => {
      for (const child of [daemon, server]) {
        const exited = once(child, "exit");
        child.kill("SIGTERM");
        await exited;
      }
      await machine[Symbol.asyncDispose]();
    },
  };
}

/** What `condition` gives as soon as that is neither false nor null; throws after two minutes. */
export async function until<T>(condition: () => Promise<T>): Promise<Exclude<T, false | null>> {
  const deadline = performance.now() + 120_000;
  for (;;) {
    const value = await condition();
    if (value !== false && value !== null) return value as Exclude<T, false | null>;
    if (performance.now() > deadline) throw new Error("waited in vain");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function background(machine: Machine, args: string[]) {
  return spawn(process.execPath, [cli, ...args], {
    cwd: machine.root,
    env: { ...machine.environment, MAKIMA_LOG_LEVEL: "error" },
    stdio: ["ignore", "ignore", "inherit"],
  });
}

async function endpointOf({ makimaHome }: Machine): Promise<Endpoint> {
  const file = join(makimaHome, "server.json");
  const read = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");
  await until(async () => (await read(file)) !== "");
  const { url } = JSON.parse(await read(file)) as { url: string };
  return { url, key: (await read(join(makimaHome, "user.key"))).trim() };
}

async function makeRepository({ root, environment }: Machine): Promise<{ repository: string; base: string }> {
  const repository = join(root, "repository");
  await mkdir(repository);
  for (let file = 0; file < 100; file += 1) await writeFile(join(repository, `file-${file}.txt`), `${file}\n`);
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: repository, env: environment, encoding: "utf8" }).trim();
  git("init", "-q", "-b", "main");
  git("add", "-A");
  git("commit", "-q", "-m", "A small repository");
  return { repository, base: git("rev-parse", "HEAD") };
}
