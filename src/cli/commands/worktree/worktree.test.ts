import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Printed } from "../../../../test/support/command-line.ts";
import { newSupervisedWorld } from "../../../../test/support/supervised.ts";
import type { SupervisedWorld } from "../../../../test/support/supervised.ts";
import { MakimaError } from "../../../core/errors.ts";
import { shortId } from "../../../core/ids.ts";
import type { OperationResult, Salvaged, Worktree } from "../../../protocol/operations.ts";
import { until } from "../../../server/testing/basics.ts";

let world: SupervisedWorld;
before(async () => {
  world = await newSupervisedWorld();
});
after(() => world[Symbol.asyncDispose]());

const ROOT = "/home/ada/worktrees";
const GONE = "01a1fe30-0000-7000-8000-0000deadbeef";

function worktree(fields: Partial<Worktree> = {}): Worktree {
  const where = { dir: `${ROOT}/${shortId(GONE)}`, taskId: GONE, repository: "/srv/a", branch: "makima/a/b" };
  return {
    ...where,
    kind: "worktree",
    state: "unwanted",
    reason: null,
    bytes: 12_000_000,
    changedAt: Date.now(),
    ...fields,
  };
}

function listed(
  worktrees: Worktree[],
  fields: Partial<OperationResult<"ListWorktrees">> = {},
): OperationResult<"ListWorktrees"> {
  const bytes = worktrees.reduce((sum, one) => sum + one.bytes, 0);
  return { root: ROOT, bytes, quota: 20e9, worktrees, salvaged: [], truncated: false, ...fields };
}

const SALVAGED: Salvaged = {
  ref: `refs/makima/salvage/${GONE}/1`,
  taskId: GONE,
  repository: "/srv/a/.git",
  commit: "c".repeat(40),
  subject: "What was \u001b[2Jleft",
  at: Date.now(),
};

/** What the daemon that is offline makes of every command. */
const OFFLINE = "makima: warning: d1 on box is offline\n";

async function printed(command: Promise<Printed>): Promise<Printed> {
  const { stderr, ...rest } = await command;
  return { ...rest, stderr: stderr.replace(OFFLINE, "") };
}

test("worktrees are listed with their sizes and sums; a daemon that is offline is named, and does no harm", async () => {
  const { taskId } = world.own;
  const rows = [
    worktree({ taskId, state: "in-use", bytes: 3_400_000_000, dir: `${ROOT}/one` }),
    worktree(),
    worktree({ taskId: null, state: "unknown", kind: "unknown", branch: null, bytes: 5, dir: `${ROOT}/odd\u0007` }),
    worktree({ taskId: world.foreign.taskId, state: "kept", bytes: 7_000, dir: `${ROOT}/two` }),
  ];
  const text = world.person(["worktree", "list"]);
  const order = await world.carryOut("ListWorktrees", listed(rows));
  assert.equal(order.salvaged, false);
  assert.ok(order.wanted.includes(taskId));
  const { code, stdout, stderr } = await text;
  assert.deepEqual([code, stderr], [0, OFFLINE]);
  assert.deepEqual(stdout.replaceAll(/ \d\.\ds/g, " 0.0s").split("\n"), [
    "TASK      STATE     SIZE    CHANGED  BRANCH      DIRECTORY",
    `${shortId(taskId)}  in-use    3.4 GB  0.0s     makima/a/b  one`,
    "deadbeef  unwanted  12 MB   0.0s     makima/a/b  deadbeef",
    "-         unknown   5 B     0.0s     -           odd\\x07",
    `${shortId(world.foreign.taskId)}  kept      7.0 kB  0.0s     makima/a/b  two`,
    `d1 on box: 4 worktrees in ${ROOT}, 3.4 GB of 20 GB`,
    "Not needed any more: 1 (12 MB); `makima worktree clean` removes them.",
    "Kept for tasks that may go on: 1 (7.0 kB); `makima worktree clean TASK` removes one all the same.",
    "",
  ]);

  const json = world.person(["worktree", "list", "--json"]);
  await world.carryOut("ListWorktrees", listed(rows));
  const document = JSON.parse((await json).stdout) as Record<string, unknown[]>;
  const result = listed(rows.map((row) => ({ ...row })));
  assert.deepEqual(document["daemons"], [{ id: "d1", name: "d1", host: "box", ...result }]);
  assert.deepEqual(document["unanswered"], [
    {
      id: "d0",
      name: "d1",
      host: "box",
      error: { ...new MakimaError("unavailable", "d1 on box is offline").toBody() },
    },
  ]);
});

test("an empty list says when there are worktrees, a full one that there are too many", async () => {
  const empty = printed(world.person(["worktree", "list"]));
  await world.carryOut("ListWorktrees", listed([]));
  assert.match((await empty).stdout, /^d1 on box has no worktrees\. A task has one while /);
  const full = printed(world.person(["worktree", "list", "--daemon", "d1"]));
  const stays = worktree({ reason: "it holds a\nrepository" });
  await world.carryOut("ListWorktrees", listed([stays], { quota: 1_000_000, truncated: true }));
  assert.match((await full).stdout, /^TASK .* STAYS BECAUSE\n.* it holds a repository\n/);
  assert.match((await full).stderr, /^makima: warning: .* pass their quota\nmakima: warning: .* more than is shown\n$/);
  const none = printed(world.person(["worktree", "list", "--salvaged"]));
  await world.carryOut("ListWorktrees", listed([]));
  assert.match((await none).stdout, /^Nothing was salvaged on d1 on box/);
});

test("what a daemon cannot do is what the command fails with; one that is not there is refused", async () => {
  const failing = printed(world.person(["worktree", "list"]));
  await world.carryOut("ListWorktrees", new MakimaError("read_only", "The disk is broken", { hint: "Buy one." }));
  const { code, stdout, stderr } = await failing;
  assert.deepEqual([code, stdout], [4, ""]);
  assert.match(stderr, /^makima: warning: The disk is broken\nmakima: The disk is broken\nhint: Buy one\.\n$/);
  const unknown = await world.person(["worktree", "list", "--daemon", "99"]);
  assert.deepEqual([unknown.code, unknown.stdout], [3, ""]);
  const empty = await world.person(["worktree", "list", "--daemon", ""]);
  assert.deepEqual([empty.code, empty.stdout], [2, ""]);
  const offline = await world.person(["worktree", "list", "--daemon", "d0"]);
  assert.deepEqual([offline.code, offline.stdout], [6, ""]);
  const agent = await world.agent(["worktree", "list"]);
  assert.equal(agent.code, 4);
});

const REMOVED = { dir: `${ROOT}/deadbeef`, taskId: GONE, bytes: 12_000_000, salvage: SALVAGED.ref };

test("everything that nobody needs is removed, or only said to be", async () => {
  const dry = printed(world.person(["worktree", "clean", "--dry-run"]));
  const removed = [{ ...REMOVED, salvage: null }];
  const order = await world.carryOut("CleanWorktrees", { removed, kept: [], bytes: 12_000_000, truncated: false });
  assert.deepEqual([order.tasks, order.dryRun], [null, true]);
  assert.equal(
    (await dry).stdout,
    "Would remove the worktree of deadbeef, 12 MB\nd1 on box: 1 worktree, 12 MB would be removed\n",
  );
  const real = printed(world.person(["worktree", "clean"]));
  const kept = [{ dir: `${ROOT}/odd`, taskId: null, reason: "it holds a repository of its own" }];
  await world.carryOut("CleanWorktrees", { removed: [REMOVED], kept, bytes: 12_000_000, truncated: false });
  const { code, stdout } = await real;
  assert.equal(code, 0);
  assert.deepEqual(stdout.split("\n"), [
    `Removed the worktree of deadbeef, 12 MB; what was in no branch is ${SALVAGED.ref}`,
    `Kept ${ROOT}/odd: it holds a repository of its own`,
    "d1 on box: 1 worktree, 12 MB removed",
    "`makima worktree restore TASK` makes a branch of what was kept.",
    "",
  ]);
});

test("a task's is removed by name; one that is in use stays, which is a conflict", async () => {
  const { taskId } = world.own;
  const rows = listed([worktree(), worktree({ taskId, state: "in-use" })]);
  const command = printed(world.person(["worktree", "clean", "DEADBEEF", taskId, "--json"]));
  await world.carryOut("ListWorktrees", rows);
  const kept = [{ dir: `${ROOT}/one`, taskId, reason: "a run is at work in it" }];
  const result = { removed: [REMOVED], kept, bytes: 12_000_000, truncated: false };
  const order = await world.carryOut("CleanWorktrees", result);
  assert.deepEqual(order.tasks, [GONE, taskId]);
  const { code, stdout, stderr } = await command;
  assert.equal(code, 5);
  assert.deepEqual(JSON.parse(stdout), {
    daemons: [{ id: "d1", name: "d1", host: "box", ...result }],
    unanswered: [],
  });
  assert.match(stderr, /1 worktree of those asked for was kept.*makima stop/);

  const unknown = printed(world.person(["worktree", "clean", "12345678"]));
  await world.carryOut("ListWorktrees", rows);
  const refused = await unknown;
  assert.deepEqual([refused.code, refused.stdout], [3, ""]);
  assert.match(refused.stderr, /has a worktree of 12345678\nhint: It may be on one that did not/);
});

test("what was salvaged is listed, and comes back as a branch", async () => {
  const list = printed(world.person(["worktree", "list", "--salvaged"]));
  await world.carryOut("ListWorktrees", listed([], { salvaged: [SALVAGED] }));
  assert.match(
    (await list).stdout,
    /^TASK +COMMIT +AGE +SUBJECT +REF\ndeadbeef +c{12} +\S+ +What was left +refs\/makima\/salvage\/\S+\nd1 on box: /,
  );
  const restored = { ref: SALVAGED.ref, repository: "/srv/a b", branch: "rescued", commit: SALVAGED.commit };
  const byTask = printed(world.person(["worktree", "restore", "deadbeef", "--branch", "rescued"]));
  await world.carryOut("ListWorktrees", listed([], { salvaged: [SALVAGED] }));
  const order = await world.carryOut("RestoreWorktree", restored);
  assert.deepEqual([order.ref, order.branch], [SALVAGED.ref, "rescued"]);
  assert.equal(
    (await byTask).stdout,
    "The branch rescued is at cccccccccccc in /srv/a b. To see it:\n  git -C '/srv/a b' show --stat rescued\n",
  );
  const byRef = printed(world.person(["worktree", "restore", SALVAGED.ref, "--daemon", "d1", "--json"]));
  assert.equal((await world.carryOut("RestoreWorktree", restored)).branch, null);
  assert.deepEqual(JSON.parse((await byRef).stdout), { daemon: "d1", ...restored });

  const same = printed(world.person(["worktree", "restore", "deadbeef"]));
  await world.carryOut("ListWorktrees", listed([], { salvaged: [SALVAGED, SALVAGED] }));
  await world.carryOut("RestoreWorktree", restored);
  assert.equal((await same).code, 0);
  const twice = printed(world.person(["worktree", "restore", "deadbeef"]));
  await world.carryOut("ListWorktrees", listed([], { salvaged: [SALVAGED, { ...SALVAGED, ref: `${SALVAGED.ref}0` }] }));
  assert.equal((await twice).code, 2);
  const nothing = printed(world.person(["worktree", "restore", "deadbeef"]));
  await world.carryOut("ListWorktrees", listed([]));
  assert.equal((await nothing).code, 3);
});

test("the list of daemons shows what their worktrees take", async () => {
  const listing = async () => (await world.person(["daemon", "list"])).stdout;
  assert.match(await listing(), /^DAEMON .* WORKTREES +LABELS\n/);
  world.daemon.tell({ type: "heartbeat", at: 1, worktrees: { bytes: 3_400_000_000, quota: 20e9 } });
  await until(async () => /d1 .* 3\.4 GB of 20 GB$/m.test(await listing()));
});

test("a daemon that goes away keeps nobody waiting for its answer", async () => {
  const asked = () => world.daemon.of("command").length;
  const already = asked();
  const command = printed(world.person(["worktree", "list"]));
  await until(() => asked() > already);
  await world.daemon[Symbol.asyncDispose]();
  const { code, stdout, stderr } = await command;
  assert.deepEqual([code, stdout], [6, ""]);
  assert.match(stderr, /went offline before it answered\nhint: It goes on/);
});
