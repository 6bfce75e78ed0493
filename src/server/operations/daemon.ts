import { MakimaError } from "../../core/errors.ts";
import type { Db } from "../db/store.ts";
import type { TaskFacts } from "./facts.ts";

/**
 * The daemon on whose machine the work lies: that of the task's latest run; without a task, that of the contract's
 * latest run, or else the only one that is there. Throws `unavailable` where it is offline or removed, and `conflict`
 * where nothing tells which one it is.
 */
export async function chooseDaemon(db: Db, contractId: string, task: TaskFacts | null): Promise<string> {
  if (task !== null) return daemonOfTask(db, task);
  const latest = await daemonOfContract(db, contractId);
  return latest === null ? onlyDaemon(db) : requireOnline(db, latest);
}

/**
 * The daemon of the latest run of the contract's tasks, of those in one repository if it is named; null: there is none,
 * or it was removed.
 */
export async function daemonOfContract(db: Db, contractId: string, repository?: string): Promise<string | null> {
  let latest = db
    .selectFrom("tasks")
    .select((eb) => eb.fn.max("run_id").as("run_id"))
    .where("contract_id", "=", contractId);
  if (repository !== undefined) latest = latest.where("repository", "=", repository);
  const daemon = await db
    .selectFrom("runs")
    .innerJoin("daemons", "daemons.id", "runs.daemon_id")
    .select("daemons.id")
    .where("runs.id", "=", latest)
    .executeTakeFirst();
  return daemon?.id ?? null;
}

/** The id itself. Throws `unavailable` where the daemon is offline, or was removed. */
export async function requireOnline(db: Db, id: string): Promise<string> {
  const daemon = await db
    .selectFrom("daemons")
    .select(["name", "host", "online"])
    .where("id", "=", id)
    .executeTakeFirst();
  if (daemon === undefined) {
    throw new MakimaError("unavailable", "The daemon that has the work was removed", {
      hint: "Look for the branch on the machine where it ran.",
    });
  }
  if (daemon.online === 1) return id;
  throw new MakimaError("unavailable", `The daemon ${daemon.name} on ${daemon.host} is offline: what it has is there`, {
    hint: "Start it again with `makima daemon`, or wait until it is back.",
  });
}

async function daemonOfTask(db: Db, { run }: TaskFacts): Promise<string> {
  if (run !== null) return requireOnline(db, run.daemonId);
  throw new MakimaError("conflict", "The task has not begun: there is nothing of it in any repository", {
    hint: "Wait until it runs.",
  });
}

async function onlyDaemon(db: Db): Promise<string> {
  const [daemon, another] = await db.selectFrom("daemons").select("id").where("online", "=", 1).limit(2).execute();
  if (daemon === undefined) {
    throw new MakimaError("unavailable", "No daemon is connected", { hint: "Start one with `makima daemon`." });
  }
  if (another === undefined) return daemon.id;
  throw new MakimaError("conflict", "No task of the contract has begun, and several daemons are connected", {
    hint: "Start a task first: what belongs to the contract is on its daemon then.",
  });
}
