import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeMachine } from "./machine.ts";
import type { Machine } from "./machine.ts";
import { startProxy } from "./proxy.ts";
import type { Proxy } from "./proxy.ts";
import { until } from "./until.ts";
import { agentProgram } from "./workshop.ts";

/** A `makima server` or `makima daemon` on a machine of its own, as a process that can be killed. */
export interface Node {
  machine: Machine;
  start(): Promise<void>;
  kill(): Promise<void>;
}

export interface ServerNode extends Node {
  /** Where it listens; the same over restarts. */
  port(): number;
}

/** Servers on one database, behind one address, with daemons; their agents keep transcripts and finish when told to. */
export interface Team extends AsyncDisposable {
  proxy: Proxy;
  url: string;
  servers: ServerNode[];
  daemons: Node[];
  /** Directory of what agents say that they have printed, one file a run. */
  transcripts: string;
  /** A user's key. */
  key(): Promise<string>;
  /** Lets every agent come to its end. */
  finish(): Promise<void>;
}

export interface TeamOptions {
  databaseUrl: string;
  servers: number;
  daemons: number;
  /** A duration, as in the configuration. */
  lostAfter: string;
}

export async function makeTeam({ databaseUrl, servers, daemons, lostAfter }: TeamOptions): Promise<Team> {
  await using stack = new AsyncDisposableStack();
  const root = await realpath(await mkdtemp(join(tmpdir(), "makima-team-")));
  stack.defer(() => rm(root, { recursive: true, force: true }));
  const transcripts = join(root, "transcripts");
  await mkdir(transcripts);
  const finishFile = join(root, "finish");
  const serverNodes: ServerNode[] = [];
  const proxy = stack.use(await startProxy(() => serverNodes.map((server) => server.port())));
  const url = `http://127.0.0.1:${proxy.port}`;
  const database = `[database]\nurl = "${databaseUrl}"\n[daemon]\nlostAfter = "${lostAfter}"\n`;
  for (const machine of await machines(servers, stack)) {
    await machine.configure(`[server]\npublicUrl = "${url}"\n${database}`);
    serverNodes.push(serverNode(machine));
  }
  for (const server of serverNodes) await server.start();
  const keyFile = (name: string): string => join(serverNodes[0]?.machine.makimaHome ?? "", name);
  const daemonNodes: Node[] = [];
  for (const machine of await machines(daemons, stack)) {
    const name = `d${daemonNodes.length + 1}`;
    const joins = `[daemon]\nserver = "${url}"\napiKeyFile = "${keyFile("daemon.key")}"\nname = "${name}"\nmaxTasks = 8\n`;
    const agent = `[agents.fake]\ncommand = ["${agentProgram("keeps-a-transcript.sh")}"]\n`;
    await machine.configure(
      `${joins}${agent}[agents.fake.env]\nTRANSCRIPTS = "${transcripts}"\nFINISH = "${finishFile}"\n`,
    );
    daemonNodes.push(
      processOf(
        machine,
        () => ["daemon"],
        (_child, said) => said.includes("works for"),
      ),
    );
  }
  for (const daemon of daemonNodes) await daemon.start();
  // Before the machines' own teardown, which expects that nothing of them is running any more.
  stack.defer(async () => {
    for (const each of [...daemonNodes, ...serverNodes]) await each.kill();
  });
  const owned = stack.move();
  return {
    proxy,
    url,
    servers: serverNodes,
    daemons: daemonNodes,
    transcripts,
    key: async () => (await readFile(keyFile("user.key"), "utf8")).trim(),
    finish: () => writeFile(finishFile, ""),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function machines(count: number, stack: AsyncDisposableStack): Promise<Machine[]> {
  const made: Machine[] = [];
  while (made.length < count) made.push(stack.use(await makeMachine()));
  return made;
}

function serverNode(machine: Machine): ServerNode {
  let port = 0;
  const inner = processOf(
    machine,
    () => ["server", "--port", String(port)],
    async ({ pid }) => {
      const text = await readFile(join(machine.makimaHome, "server.json"), "utf8").catch(() => "null");
      const written = JSON.parse(text) as { pid: number; url: string } | null;
      if (written === null || written.pid !== pid) return false;
      port = Number(new URL(written.url).port);
      return true;
    },
  );
  return { ...inner, port: () => port };
}

function processOf(
  machine: Machine,
  args: () => string[],
  isReady: (child: ChildProcess, said: string) => boolean | Promise<boolean>,
): Node {
  let running: ChildProcess | null = null;
  return {
    machine,
    start: async () => {
      const child = machine.start(args());
      running = child;
      let [said, complained] = ["", ""];
      child.stdout.on("data", (data: Buffer) => (said += data.toString()));
      child.stderr.on("data", (data: Buffer) => (complained += data.toString()));
      await until(() => {
        assert.equal(child.exitCode, null, complained);
        return isReady(child, said);
      }, "a server or daemon is ready");
    },
    kill: async () => {
      const child = running;
      running = null;
      if (child === null || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}
