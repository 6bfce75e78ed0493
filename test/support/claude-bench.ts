import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { startDaemon } from "../../src/daemon/daemon.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { defaultAgent } from "../../src/platform/config/config.ts";
import type { AgentConfig } from "../../src/platform/config/config.ts";
import { paths } from "../../src/platform/config/paths.ts";
import { killByEnvironment } from "../../src/platform/process/reap.ts";
import { LINK_VERSION } from "../../src/protocol/link.ts";
import type { RunEvent } from "../../src/protocol/run-events.ts";
import type { RunSpec } from "../../src/protocol/run-spec.ts";
import type { Script } from "../scripted-model/script.ts";
import { startScriptedModel } from "../scripted-model/server.ts";
import type { ScriptedModel } from "../scripted-model/server.ts";
import { claudeCommand, claudeEnvironment } from "./claude.ts";
import { openLinkServer } from "./link-server.ts";
import type { Peer } from "./link-server.ts";
import { openTestRepository } from "./repository.ts";
import type { TestRepository } from "./repository.ts";
import { runSpec, silent } from "./run.ts";
import type { SpecFields } from "./run.ts";
import { noSandbox } from "./sandboxes.ts";
import { until } from "./until.ts";

/** The real Claude Code under a real daemon; the model and the server follow a script. */
export interface ClaudeBench extends AsyncDisposable {
  repository: TestRepository;
  /** makima's home. */
  home: string;
  model: ScriptedModel;
  spec: RunSpec;
  peer: Peer;
  serverUrl: string;
  /** Resolves when the agent has made the file `running` beside its checkouts' directory. */
  atWork(): Promise<unknown>;
  /** The events of a run that has ended. */
  finished(runId?: string): Promise<RunEvent[]>;
}

export interface ClaudeBenchOptions {
  spec?: SpecFields;
  /** More of the agent's configuration. */
  agent?: Partial<AgentConfig>;
  /** What the command `makima` runs. */
  selfCommand?: string[];
}

export async function openClaudeBench(
  script: Script,
  { spec: fields, agent, selfCommand = ["false"] }: ClaudeBenchOptions = {},
): Promise<ClaudeBench> {
  await using stack = new AsyncDisposableStack();
  const repository = stack.use(await openTestRepository());
  const model = stack.use(await startScriptedModel(script));
  const server = stack.use(await openLinkServer());
  const spec = runSpec({ repository: repository.dir, base: repository.base, agent: "claude", ...fields });
  stack.defer(async () => assert.ok(await killByEnvironment("MAKIMA_TASK_ID", spec.taskId)));
  const env = claudeEnvironment(repository.root, model.url);
  const home = join(repository.root, "makima");
  stack.use(
    await startDaemon({
      paths: paths(home),
      serverUrl: server.url,
      key: "mk_daemon_test",
      selfCommand,
      name: "box",
      maxTasks: 4,
      labels: {},
      loadAgents: async () => ({ claude: { ...defaultAgent("claude"), command: [claudeCommand], env, ...agent } }),
      passEnv: [],
      environment: repository.environment,
      repositories: null,
      worktrees: { dir: repository.worktrees, quotaBytes: null, orphanGraceMs: 60_000 },
      bubblewrap: noSandbox,
      secrets: [],
      log: silent,
      clock: systemClock,
    }),
  );
  const peer = await welcomed(server);
  const owned = stack.move();
  return {
    repository,
    home,
    model,
    spec,
    peer,
    serverUrl: server.url,
    atWork: () => until(() => existsSync(join(repository.root, "running")), "the agent is at work"),
    finished: (runId = spec.runId) => {
      return until(() => {
        const events = peer.events(runId);
        return events.at(-1)?.type === "finished" ? events : null;
      }, "the run ends");
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The sessions in which the agent has worked. */
export function sessionsOf({ requests }: ScriptedModel): string[] {
  return [...new Set(requests.filter(({ role }) => role === "main").map(({ session }) => session))];
}

async function welcomed(server: Awaited<ReturnType<typeof openLinkServer>>): Promise<Peer> {
  const { peer } = await server.connection();
  peer.store();
  assert.equal((await peer.heard()).type, "hello");
  peer.say({ type: "welcome", version: LINK_VERSION, acked: {}, orphans: [] });
  return peer;
}
