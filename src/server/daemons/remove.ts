import { MakimaError } from "../../core/errors.ts";
import type { Daemon } from "../../protocol/api.ts";
import { recordChange } from "../changes/changes.ts";
import type { Write } from "../db/store.ts";
import { failLatestOf } from "../operations/end.ts";
import { getDaemon } from "./daemons.ts";

/**
 * Forgets a daemon that is offline and holds no live run, and gives what it was; otherwise throws `conflict`. Its runs
 * and operations keep its id; the operations that it has not answered fail. Its commands go with it, for what they are
 * about is over.
 */
export async function removeDaemon(tx: Write, id: string): Promise<Daemon> {
  const daemon = await getDaemon(tx.db, id);
  const named = `The daemon ${daemon.name} on ${daemon.host}`;
  if (daemon.online) {
    throw new MakimaError("conflict", `${named} is connected`, { hint: "Stop the daemon first." });
  }
  if (daemon.running > 0) {
    const hint = "Start the daemon again, or wait: when it stays away, its tasks go to other daemons.";
    throw new MakimaError("conflict", `${named} holds ${daemon.running} live runs`, { hint });
  }
  const error = { code: "unavailable", message: `${named} was removed`, hint: "What it had begun may be done." };
  while (await failLatestOf(tx, id, error));
  await tx.db.deleteFrom("commands").where("daemon_id", "=", id).execute();
  await tx.db.deleteFrom("daemons").where("id", "=", id).execute();
  await recordChange(tx, { kind: "daemon", id, contractId: null, data: { ...daemon, removed: true } });
  return daemon;
}
