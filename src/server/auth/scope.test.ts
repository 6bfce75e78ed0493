import assert from "node:assert/strict";
import { MakimaError } from "../../core/errors.ts";
import type { OperationOrder } from "../../protocol/operations.ts";
import { toJson } from "../db/json.ts";
import type { Db, Store } from "../db/store.ts";
import { contract } from "../testing/data.ts";
import { onEveryEngine } from "../testing/engines.ts";
import type { Principal } from "./keys.ts";
import { resolveOwn } from "./scope.ts";
import type { OwnedTable } from "./scope.ts";

const OWN = id("0a000000", "00000000000a");
const FOREIGN = id("0b000000", "00000000000b");

/** The same ids in every table but that of contracts; they differ in the beginning and the end alone. */
const MINE = [id("11111111", "aaaaaaaaaaaa"), id("11111111", "bbbbbbbbbbbb"), id("22222222", "cccccccccccc")] as const;
const THEIRS = [
  id("22222222", "cccccccccccd"),
  id("33333333", "cccccccccccc"),
  id("44444444", "eeeeeeeeeeee"),
] as const;

const AGENTS: readonly Principal[] = (["task", "supervisor"] as const).map((kind) => {
  return { kind, keyId: "k", contractId: OWN, taskId: MINE[0], runId: MINE[0] };
});
const PERSON: Principal = { kind: "user", keyId: "k" };

const GARBAGE = ["", "zzz", "%", "_", "1%", "' or 1=1 --", "%".repeat(36), "\0"];

/** What an agent gets for what it gives: an id, or the code of an error. */
const CASES: Record<string, string> = {
  [MINE[0]]: MINE[0],
  [MINE[1].toUpperCase()]: MINE[1],
  bbbb: MINE[1],
  BBBB: MINE[1],
  // Of others' things, as many as there may be, nothing is ambiguous.
  "22222222": MINE[2],
  [MINE[2].slice(-12)]: MINE[2],
  "2": MINE[2],
  "1111": "ambiguous",
  "-8000-": "not_found",
  [THEIRS[0]]: "forbidden",
  [THEIRS[2].toUpperCase()]: "forbidden",
  "44444444": "not_found",
  eeee: "not_found",
  cccd: "not_found",
  "99999999": "not_found",
  [id("99999999", "999999999999")]: "not_found",
  ...Object.fromEntries(GARBAGE.map((garbage) => [garbage, "not_found"])),
};

const CONTRACT_CASES: Record<string, string> = {
  [OWN]: OWN,
  [OWN.toUpperCase()]: OWN,
  "0": OWN,
  "0a00": OWN,
  "0000a": OWN,
  [FOREIGN]: "forbidden",
  "0b00": "not_found",
  "0000b": "not_found",
  "9": "not_found",
  [id("99999999", "999999999999")]: "not_found",
  ...Object.fromEntries(GARBAGE.map((garbage) => [garbage, "not_found"])),
};

onEveryEngine("a task's key finds what is its own contract's, and nothing else", async (database) => {
  await using store = await database.open();
  await fill(store);
  for (const principal of AGENTS) {
    for (const table of ["tasks", "runs", "questions", "operations"] as const) {
      for (const [given, expected] of Object.entries(CASES)) {
        assert.equal(await found(store.db, principal, table, given), expected, `${table} ${given}`);
      }
    }
    for (const [given, expected] of Object.entries(CONTRACT_CASES)) {
      assert.equal(await found(store.db, principal, "contracts", given), expected, `contracts ${given}`);
    }
  }
});

onEveryEngine("what a task's key must not see looks like what is not there", async (database) => {
  await using store = await database.open();
  await fill(store);
  const [agent = PERSON] = AGENTS;
  const said = async (given: string) => {
    const error: unknown = await resolveOwn(store.db, agent, "tasks", given).catch((why: unknown) => why);
    return error instanceof MakimaError ? error.message.replace(given, "it") : "found";
  };
  assert.equal(await said("44444444"), await said("99999999"));
});

onEveryEngine("a person's key finds everything", async (database) => {
  await using store = await database.open();
  await fill(store);
  for (const table of ["tasks", "runs", "questions", "operations"] as const) {
    for (const each of [...MINE, ...THEIRS]) assert.equal(await found(store.db, PERSON, table, each), each);
    assert.equal(await found(store.db, PERSON, table, "eeee"), THEIRS[2]);
    assert.equal(await found(store.db, PERSON, table, "22222222"), "ambiguous");
    for (const garbage of GARBAGE) assert.equal(await found(store.db, PERSON, table, garbage), "not_found");
  }
  assert.equal(await found(store.db, PERSON, "contracts", "0"), "ambiguous");
  assert.equal(await found(store.db, PERSON, "contracts", FOREIGN), FOREIGN);
});

function id(start: string, end: string): string {
  return `${start}-0000-7000-8000-${end}`;
}

/** The id, or the code of the error. */
async function found(db: Db, principal: Principal, table: OwnedTable, given: string): Promise<string> {
  try {
    return await resolveOwn(db, principal, table, given);
  } catch (error) {
    if (error instanceof MakimaError) return error.code;
    throw error;
  }
}

/** Two contracts, with a task, run, question and operation under each of their ids. */
async function fill(store: Store): Promise<void> {
  await store.write(async ({ db }) => {
    await db.insertInto("daemons").values(DAEMON).execute();
    for (const [contractId, ids] of [
      [OWN, MINE],
      [FOREIGN, THEIRS],
    ] as const) {
      await db
        .insertInto("contracts")
        .values({ id: contractId, ...CONTRACT })
        .execute();
      for (const one of ids) await insertAll(db, contractId, one);
    }
  });
}

async function insertAll(db: Db, contractId: string, one: string): Promise<void> {
  const owned = { id: one, contract_id: contractId };
  await db
    .insertInto("tasks")
    .values({ ...owned, ...TASK })
    .execute();
  await db
    .insertInto("runs")
    .values({ id: one, task_id: one, ...RUN })
    .execute();
  await db
    .insertInto("questions")
    .values({ ...owned, task_id: one, ...QUESTION })
    .execute();
  await db
    .insertInto("operations")
    .values({ ...owned, seq: [...MINE, ...THEIRS].indexOf(one), ...OPERATION })
    .execute();
}

const DAEMON = { id: "d1", name: "d1", host: "box", max_tasks: 1, online: 0, last_seen_at: 0 } as const;
const CONTRACT = { name: "c", status: "active", type: "simple", goal: "g", created_at: 0, updated_at: 0 } as const;
const TASK = {
  name: "t",
  status: "pending",
  agent: "claude",
  repository: "/srv/repository",
  base: "0",
  branch: "b",
  include_changes: 0,
  checks: toJson<string[]>([]),
  settings: toJson(contract.settings),
  fence: 0,
  cost_usd: 0,
  created_at: 0,
  updated_at: 0,
} as const;
const RUN = {
  daemon_id: "d1",
  fence: 1,
  status: "completed",
  iterations: 0,
  branch_kept: 0,
  checks: toJson<never[]>([]),
  tampering: toJson<never[]>([]),
  created_at: 0,
  ended_at: 0,
} as const;
const QUESTION = { text: "?", choices: toJson<string[]>([]), status: "open", created_at: 0 } as const;
const OPERATION = {
  kind: "ListBranches",
  daemon_id: "d1",
  status: "done",
  origin: "person",
  order: toJson<OperationOrder>({ kind: "ListBranches", repository: "/srv/repository", prefix: "makima/" }),
  created_at: 0,
} as const;
