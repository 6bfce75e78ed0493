import { spawnSync } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { readChanges } from "../../src/server/changes/changes.ts";
import type { Store } from "../../src/server/db/store.ts";
import { readStream } from "../../src/server/runs/streams.ts";
import { hashRepository } from "./repository.ts";

/** What must hold after every fault; a world in which agents print into their streams what they write into `transcripts`. */
export interface World {
  store: Store;
  /** Names of the contracts whose creation was acknowledged. */
  acknowledged: readonly string[];
  /** Directory of what each run's agent says it has printed, by run id. */
  transcripts: string;
  /** The directories in which the daemons keep their checkouts. */
  worktrees: readonly string[];
  repository: { path: string; hash: string };
}

/** Every violation of the invariants of makima, in words; none, if all is well. */
export async function violations(world: World): Promise<string[]> {
  const found = await Promise.all([
    acknowledgedWrites(world),
    runsOfTasks(world),
    outputOfRuns(world),
    processesOfRuns(world),
    workOfRuns(world),
    checkouts(world),
    changeFeed(world),
    personsRepository(world),
  ]);
  return found.flat();
}

/** Each exists, and once: a repeated request must not have done its work twice. */
async function acknowledgedWrites({ store, acknowledged }: World): Promise<string[]> {
  const rows = await store.db.selectFrom("contracts").select("name").execute();
  return acknowledged.flatMap((name) => {
    const times = rows.filter((row) => row.name === name).length;
    return times === 1 ? [] : [`contract ${name} was acknowledged and exists ${times} times`];
  });
}

/** At most one live run per task; fences only grow; the task holds the last one. */
async function runsOfTasks({ store }: World): Promise<string[]> {
  const tasks = await store.db.selectFrom("tasks").select(["id", "fence", "run_id"]).execute();
  const runs = await store.db.selectFrom("runs").selectAll().orderBy("created_at").orderBy("fence").execute();
  return tasks.flatMap((task) => {
    const own = runs.filter(({ task_id }) => task_id === task.id);
    const problems: string[] = [];
    if (own.filter(({ ended_at }) => ended_at === null).length > 1)
      problems.push(`task ${task.id} has several live runs`);
    if (own.some(({ fence }, index) => fence !== index + 1))
      problems.push(`fences of task ${task.id} do not only grow`);
    if (task.fence !== own.length || task.run_id !== (own.at(-1)?.id ?? null)) {
      problems.push(`task ${task.id} does not hold its latest run`);
    }
    return problems;
  });
}

/** The bytes are the agent's own: all of them where the run came to its end, else a beginning; no gap, no repeat. */
async function outputOfRuns({ store, transcripts }: World): Promise<string[]> {
  const problems: string[] = [];
  for (const run of await store.db.selectFrom("runs").select(["id", "status"]).execute()) {
    const said = await readFile(join(transcripts, run.id)).catch(() => Buffer.alloc(0));
    const stored = await wholeStream(store, run.id);
    const equal = run.status === "completed" ? stored.equals(said) : said.subarray(0, stored.length).equals(stored);
    if (!equal) problems.push(`run ${run.id} (${run.status}): ${stored.length} bytes stored, ${said.length} said`);
  }
  return problems;
}

async function wholeStream({ db }: Store, runId: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (let from = 0; ;) {
    const { data } = await readStream(db, runId, "iterations/0001/out", from);
    if (data.length === 0) return Buffer.concat(pieces);
    pieces.push(data);
    from += data.length;
  }
}

/** No process that carries the id of an ended run, or names it. */
async function processesOfRuns({ store }: World): Promise<string[]> {
  const ended = await store.db.selectFrom("runs").select("id").where("ended_at", "is not", null).execute();
  const problems: string[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const about = ["environ", "cmdline"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => ""));
    const said = (await Promise.all(about)).join("\0");
    const run = ended.find(({ id }) => said.includes(id));
    if (run !== undefined) problems.push(`process ${pid} outlives run ${run.id}`);
  }
  return problems;
}

/**
 * What an agent wrote is on its task's branch, or, of a fenced run whose daemon has come back, under a salvage ref. A run
 * that was fenced before its agent began has no transcript, and nothing to keep.
 */
async function workOfRuns({ store, repository, transcripts }: World): Promise<string[]> {
  const runs = await store.db
    .selectFrom("runs")
    .innerJoin("tasks", "tasks.id", "runs.task_id")
    .select(["runs.id", "runs.task_id", "runs.status", "tasks.branch"])
    .where("runs.status", "in", ["completed", "fenced"])
    .execute();
  const begun = await readdir(transcripts);
  const worked = runs.filter(({ id, status }) => status === "completed" || begun.includes(id));
  return worked.flatMap(({ id, task_id, status, branch }) => {
    const ref = status === "completed" ? branch : `refs/makima/salvage/${task_id}/${id}`;
    return linesOf(repository.path, "ls-tree", "--name-only", ref).includes(`work-${task_id}.txt`)
      ? []
      : [`the work of run ${id} is not on ${ref}`];
  });
}

/** What git prints; nothing where it fails, such as for a ref that does not exist. */
function linesOf(cwd: string, ...args: string[]): string[] {
  const { status, stdout } = spawnSync("git", args, { cwd, encoding: "utf8" });
  return status === 0 ? stdout.split("\n").filter((line) => line !== "") : [];
}

/**
 * Each has a record. Nothing is left of a contract that is over: no checkout, no trash, and in the repository no ref that
 * kept objects for one.
 */
async function checkouts({ store, worktrees, repository }: World): Promise<string[]> {
  const live = await store.db
    .selectFrom("tasks")
    .innerJoin("contracts", "contracts.id", "tasks.contract_id")
    .select("tasks.id")
    .where("contracts.status", "not in", ["completed", "deleted"])
    .execute();
  const problems: string[] = [];
  const known = new Set<string>();
  for (const root of worktrees) {
    for (const name of await namesIn(root)) {
      if (name === ".trash") continue;
      const [checkout = ""] = name.split(".");
      known.add(checkout);
      const record = await readFile(join(root, `${checkout}.json`), "utf8").catch(() => null);
      if (record === null) problems.push(`${join(root, name)} has no record`);
      else if (!live.some(({ id }) => record.includes(id))) problems.push(`${join(root, name)} outlives its contract`);
    }
    for (const name of await namesIn(join(root, ".trash"))) problems.push(`${name} is left in the trash of ${root}`);
  }
  const refs = linesOf(
    repository.path,
    "for-each-ref",
    "--format=%(refname)",
    "refs/makima/base",
    "refs/makima/imported",
  );
  const stale = refs.filter((ref) => !known.has(ref.split("/").at(-1) ?? ""));
  return [...problems, ...stale.map((ref) => `${ref} is left`)];
}

async function namesIn(dir: string): Promise<string[]> {
  return readdir(dir).catch(() => []);
}

/** Sequence numbers without a gap, and each task's versions in order. */
async function changeFeed({ store }: World): Promise<string[]> {
  const problems: string[] = [];
  for (let cursor = 0; ;) {
    const changes = await readChanges(store.db, cursor, 500);
    for (const { seq } of changes) {
      if (seq !== cursor + 1) problems.push(`the change feed goes from ${cursor} to ${seq}`);
      cursor = seq;
    }
    if (changes.length === 0) return problems;
  }
}

async function personsRepository({ repository: { path, hash } }: World): Promise<string[]> {
  return (await hashRepository(path)) === hash ? [] : ["the person's repository was changed"];
}
