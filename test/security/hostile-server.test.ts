import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startDaemon } from "../../src/daemon/daemon.ts";
import type { RunningDaemon } from "../../src/daemon/daemon.ts";
import { defaultAgent } from "../../src/platform/config/config.ts";
import { paths } from "../../src/platform/config/paths.ts";
import { LINK_VERSION } from "../../src/protocol/link.ts";
import type { Command } from "../../src/protocol/link.ts";
import type { OperationOrder } from "../../src/protocol/operations.ts";
import { fastClock } from "../../src/server/testing/fast-clock.ts";
import { openLinkServer } from "../support/link-server.ts";
import type { Peer } from "../support/link-server.ts";
import { hashRepository, openTestRepository } from "../support/repository.ts";
import type { TestRepository } from "../support/repository.ts";
import { runSpec, silent } from "../support/run.ts";
import type { SpecFields } from "../support/run.ts";
import { noSandbox } from "../support/sandboxes.ts";
import { until } from "../support/until.ts";

/**
 * A server that means harm to a daemon that works in one repository only. By design it decides which commands checks are,
 * and what agents are told: see docs/security.md.
 */
let allowed: TestRepository;
let other: TestRepository;
let server: Awaited<ReturnType<typeof openLinkServer>>;
let daemon: RunningDaemon;
let peer: Peer;
let home: string;
before(async () => {
  [allowed, other, server] = await Promise.all([openTestRepository(), openTestRepository(), openLinkServer()]);
  home = join(allowed.root, "home");
  await symlink(other.dir, join(allowed.dir, "elsewhere"));
  await writeFile(join(allowed.root, "secret"), "a secret beside the repository");
  const agent = { ...defaultAgent("command"), command: ["sh", "-c", 'touch "$HOME/agent-ran"'] };
  daemon = await startDaemon({
    paths: paths(home),
    serverUrl: server.url,
    key: "mk_daemon_test",
    selfCommand: ["false"],
    name: "box",
    maxTasks: 4,
    labels: {},
    loadAgents: async () => ({ script: agent }),
    passEnv: [],
    environment: allowed.environment,
    repositories: [allowed.dir],
    worktrees: { dir: null, quotaBytes: null, orphanGraceMs: 0 },
    bubblewrap: noSandbox,
    secrets: [],
    log: silent,
    // It connects again sooner.
    clock: fastClock(20),
  });
  peer = await welcomed();
});
after(async () => {
  await daemon.close();
  for (const each of [server, allowed, other]) await each[Symbol.asyncDispose]();
});

/** From each directory of the daemon it leads to where the test looks. */
const TRAVERSAL = "../../x";

/** Each as an option, with what runs a command or writes a file where git takes it for one. */
const OPTIONS = ["--upload-pack=touch$IFS../pwned", "--output=../pwned", "-d", "--detach", "--help"];

/** Neither a branch nor a path. */
const NAMES = [...OPTIONS, TRAVERSAL, "a..b", "@{-1}", ";touch ../pwned", "a\nb", "refs/heads/../x", ".git", ""];

let commands = 0;

/** Has the daemon execute a command; resolves to the code of the error, null where it was carried out. */
async function answer(command: Command): Promise<string | null> {
  commands += 1;
  return (await peer.ask(`c${commands}`, command)).error?.code ?? null;
}

function spawn(fields: SpecFields, startAt: string | null = null): Command {
  const spec = runSpec({ repository: allowed.dir, base: allowed.base, ...fields });
  return { kind: "SpawnTask", spec, startAt: startAt === null ? null : { ref: startAt, required: true }, messages: [] };
}

test("ids that are no names never become parts of a path or a command line", async () => {
  const resume = { runId: "r", sessionId: null, breaker: null, costUsd: 0 };
  for (const id of [TRAVERSAL, "..", "a/b", "", "-d", "--settings={}", "a\0b", "x".repeat(101)]) {
    for (const fields of [
      { runId: id },
      { taskId: id },
      { contractId: id },
      { resume: { ...resume, runId: id } },
      { resume: { ...resume, sessionId: id } },
    ]) {
      assert.equal(await answer(spawn(fields)), "invalid_request", JSON.stringify(fields));
    }
    assert.equal(await answer({ kind: "CleanupWorktree", contractId: id, taskIds: [id] }), "invalid_request", id);
  }
  assert.equal(await answer({ kind: "CleanupWorktree", contractId: "c", taskIds: [TRAVERSAL, "..", "."] }), null);
  await unharmed();
});

test("no run begins outside of the allowed repositories, or on a branch that is none", async () => {
  const places = [other.dir, join(allowed.dir, "elsewhere"), join(allowed.dir, "../../", other.dir), allowed.root, "/"];
  const commandsToFail = [
    ...places.map((repository) => spawn({ repository })),
    ...NAMES.map((branch) => spawn({ branch })),
    ...NAMES.filter((ref) => ref !== "@{-1}").map((ref) => spawn({}, ref)),
  ];
  for (const command of commandsToFail) {
    const runId = command.kind === "SpawnTask" ? command.spec.runId : "";
    if ((await answer(command)) !== null) continue;
    const end = await until(() => peer.events(runId).find(({ type }) => type === "finished"), JSON.stringify(command));
    assert.equal(end.type === "finished" && end.outcome, "failed", JSON.stringify(command));
  }
  assert.equal(existsSync(join(allowed.root, "agent-ran")), false);
  await unharmed();
});

test("no operation leaves the allowed repositories, or takes a name for an option or a path", async () => {
  const place = { taskId: "t", repository: allowed.dir, base: allowed.base, branch: "main", bubblewrap: false };
  const repository = allowed.dir;
  const merge = { start: null, squash: false, dryRun: false, message: "m", checks: [], verifiedTrees: [] };
  const pull = { branch: "main", into: null, title: "t", body: "b", draft: false };
  const orders: OperationOrder[] = [
    { kind: "ListBranches", repository: other.dir, prefix: "" },
    { kind: "ListBranches", repository: join(repository, "elsewhere"), prefix: "" },
    { kind: "GetDiff", place: { ...place, repository: other.dir }, stat: false },
    { kind: "CreatePullRequest", repository: other.dir, ...pull },
    { kind: "ReadFile", place: { ...place, taskId: TRAVERSAL }, path: "a.txt", ref: null },
    { kind: "CreateCheckpoint", place: { ...place, taskId: TRAVERSAL }, name: "c", message: "m" },
    ...[TRAVERSAL, "/etc/passwd", "elsewhere/a.txt", ".git/config", "../secret"].map((path): OperationOrder => {
      return { kind: "ReadFile", place, path, ref: null };
    }),
    ...NAMES.flatMap((name): OperationOrder[] => [
      { kind: "CreateBranch", repository, name, from: ["main"] },
      { kind: "CreateBranch", repository, name: "fine", from: [name] },
      { kind: "MergeBranch", place, into: name, ...merge },
      { kind: "MergeBranch", place: { ...place, branch: name }, into: "makima/x", ...merge, start: "main" },
      { kind: "MergeBranch", place, into: "makima/x", ...merge, start: name },
      { kind: "GetDiff", place: { ...place, base: name }, stat: false },
      { kind: "ReadFile", place, path: "a.txt", ref: name },
      { kind: "CreateCheckpoint", place, name, message: "m" },
      { kind: "RestoreCheckpoint", place, commit: name, save: "s" },
      { kind: "CreatePullRequest", repository, ...pull, branch: name },
      { kind: "RestoreWorktree", ref: name === "" ? "refs/heads/main" : name, branch: null },
    ]),
  ];
  const carriedOut: OperationOrder[] = [];
  for (const order of orders) if ((await answer(order)) === null) carriedOut.push(order);
  assert.deepEqual(carriedOut, []);
  for (const prefix of OPTIONS) assert.equal(await answer({ kind: "ListBranches", repository, prefix }), null);
  const clean: OperationOrder = { kind: "CleanWorktrees", tasks: [TRAVERSAL, "..", "."], wanted: [], dryRun: false };
  assert.equal(await answer(clean), null);
  await unharmed();
});

test("frames that are too large, or that no server should send, end the connection and nothing else", async () => {
  const frames: (string | Buffer)[] = [
    "{",
    "null",
    `${"[".repeat(200_000)}${"]".repeat(200_000)}`,
    '{"type":"exec","command":"touch ../pwned"}',
    '{"type":"command","id":"x","command":{"kind":"RunShell","command":"id"}}',
    '{"type":"command","id":"x","command":{"kind":"PauseTask","runId":"r","also":1}}',
    "x".repeat(17 * 1024 * 1024),
    Buffer.from([0xff, 0xfe]),
  ];
  for (const frame of frames) {
    const closed = new Promise((resolve) => peer.socket.once("close", resolve));
    peer.socket.send(frame, { binary: false });
    await closed;
    peer = await welcomed();
  }
  peer.socket.send('{"type":"welcome","version":1,"acked":{"__proto__":{"polluted":1}},"orphans":["__proto__"]}');
  peer.socket.send(Buffer.from("\0\0\0\x02{}"));
  for (const run of [TRAVERSAL, "__proto__", "unknown"]) {
    peer.say({ type: "ack", run, stream: TRAVERSAL, offset: 1 });
    peer.say({ type: "fenced", run });
  }
  peer.say({
    type: "welcome",
    version: LINK_VERSION,
    acked: { [TRAVERSAL]: { x: 1 } },
    orphans: [TRAVERSAL, "..", "."],
  });
  await unharmed();
  assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
});

/** Where the daemon connects again, with what it has to append out of the way. */
async function welcomed(): Promise<Peer> {
  const { peer: next } = await server.connection();
  assert.equal((await next.heard()).type, "hello");
  next.store();
  next.say({ type: "welcome", version: LINK_VERSION, acked: {}, orphans: [] });
  return next;
}

let untouched: string | null = null;

/** The daemon goes on, and everything is as it was but what it keeps below its own home. */
async function unharmed(): Promise<void> {
  assert.equal(await answer({ kind: "ListBranches", repository: allowed.dir, prefix: "main" }), null);
  const roots = await Promise.all([allowed, other].map(({ root }) => readdir(root)));
  const repositories = await Promise.all([allowed, other].map(({ dir }) => hashRepository(dir)));
  const refs = [allowed, other].map((one) => one.run(one.dir, "for-each-ref"));
  const worktrees = await readdir(join(home, "worktrees"));
  const now = JSON.stringify({
    roots,
    repositories,
    refs,
    worktrees: worktrees.filter((name) => !name.startsWith(".")),
  });
  untouched ??= now;
  assert.equal(now, untouched);
}
