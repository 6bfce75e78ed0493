import { errorFromBody } from "../../client/client.ts";
import { MakimaError } from "../../core/errors.ts";
import type { ErrorBody } from "../../core/errors.ts";
import { systemClock } from "../../platform/clock.ts";
import { SECOND } from "../../platform/config/units.ts";
import type { Daemon } from "../../protocol/api.ts";
import type { OperationResult } from "../../protocol/operations.ts";
import type { Change } from "../../protocol/subscriptions.ts";
import { text } from "../command.ts";
import type { Connection } from "../connect.ts";
import type { Context } from "../context.ts";
import { inline } from "../format.ts";
import { endOf, outcomeOf } from "../operations.ts";
import type { Pending, RequestOf } from "../operations.ts";
import { findId } from "./find-id.ts";

export const DAEMON_OPTION = {
  daemon: text("--daemon <daemon>", "Id of the only daemon to ask (default: every one that is online)"),
};

type Asked = "ListWorktrees" | "CleanWorktrees";

/** What one daemon has answered. */
export interface Answer<K extends Asked> {
  daemon: Daemon;
  result: OperationResult<K>;
}

/** A daemon that could not answer, and why. */
export interface Unanswered {
  daemon: Daemon;
  error: ErrorBody;
}

export interface Answers<K extends Asked> {
  answers: Answer<K>[];
  unanswered: Unanswered[];
}

/** A daemon as documents name it. */
export function identityOf({ id, name, host }: Daemon): Pick<Daemon, "id" | "name" | "host"> {
  return { id, name, host };
}

/** The same for people. A daemon that was given no name has its host's. */
export function nameOf({ name, host }: Daemon): string {
  return name === host ? inline(name) : `${inline(name)} on ${inline(host)}`;
}

/**
 * The daemons to ask: the one that is named, or all. Throws `not_found` or `ambiguous` for the name, and `unavailable`
 * where none of them is online.
 */
export async function chooseDaemons({ call }: Connection, named: string | null): Promise<Daemon[]> {
  const deadline = performance.now() + CONNECTS_WITHIN;
  for (;;) {
    const { daemons } = await call("listDaemons", {});
    const chosen = named === null ? daemons : [find(daemons, named)];
    if (chosen.some(({ online }) => online)) return chosen;
    if (performance.now() > deadline) throw noneOnline(chosen);
    await systemClock.sleep(LOOK_EVERY);
  }
}

/** Asks all of them at the same time; those that are offline, or fail, are told of on stderr. */
export async function askDaemons<K extends Asked>(
  { connection, context }: { connection: Connection; context: Context },
  daemons: readonly Daemon[],
  requestFor: (daemon: Daemon) => RequestOf<K>,
): Promise<Answers<K>> {
  const asked = daemons.map((daemon) => start(connection, daemon, requestFor(daemon)));
  const answers: Answer<K>[] = [];
  const unanswered: Unanswered[] = [];
  for (const { daemon, begun } of await Promise.all(asked)) {
    const outcome = begun instanceof MakimaError ? begun : await outcomeFrom<K>({ connection, context }, begun);
    if (outcome instanceof MakimaError) unanswered.push({ daemon, error: outcome.toBody() });
    else answers.push({ daemon, result: outcome });
  }
  for (const { error } of unanswered) context.output.warning(inline(error.message));
  return { answers, unanswered };
}

/** What the failure of a daemon that was online makes of the command, once what the others said has been shown. */
export function failureOf(unanswered: readonly Unanswered[]): MakimaError | null {
  const failed = unanswered.find(({ daemon }) => daemon.online);
  return failed === undefined ? null : errorFromBody(failed.error);
}

interface Begun {
  daemon: Daemon;
  begun: Pending | MakimaError;
}

async function start(connection: Connection, daemon: Daemon, request: RequestOf<Asked>): Promise<Begun> {
  if (!daemon.online) return { daemon, begun: new MakimaError("unavailable", `${nameOf(daemon)} is offline`) };
  try {
    const { operation, cursor } = await connection.call("startOperation", request);
    return { daemon, begun: { operation, cursor, timeout: null, giveUp: (change) => departureOf(daemon, change) } };
  } catch (error) {
    if (error instanceof MakimaError) return { daemon, begun: error };
    throw error;
  }
}

async function outcomeFrom<K extends Asked>(
  { connection, context }: { connection: Connection; context: Context },
  pending: Pending,
): Promise<OperationResult<K> | MakimaError> {
  try {
    return outcomeOf<K>(await endOf(connection, context, pending));
  } catch (error) {
    if (error instanceof MakimaError && error.code === "unavailable") return error;
    throw error;
  }
}

/** Whoever has gone may stay away for days: what the others have answered must not wait for that. */
function departureOf(daemon: Daemon, { kind, id, data }: Change): MakimaError | null {
  if (kind !== "daemon" || id !== daemon.id || data["online"] !== false) return null;
  return new MakimaError("unavailable", `${nameOf(daemon)} went offline before it answered`, {
    hint: "It goes on with what was asked of it when it is back.",
  });
}

/** A daemon that was started with its server a moment ago has yet to connect (ms). */
const CONNECTS_WITHIN = 3 * SECOND;
const LOOK_EVERY = 50;

/** As the server looks for ids. */
function find(daemons: readonly Daemon[], named: string): Daemon {
  const ids = daemons.map(({ id }) => id);
  const id = findId(ids, named, "daemons");
  const match = daemons.find((daemon) => daemon.id === id);
  if (match !== undefined) return match;
  throw new MakimaError("not_found", `There is no daemon ${inline(named)}`, {
    hint: "List them with `makima daemon list`.",
  });
}

function noneOnline(daemons: readonly Daemon[]): MakimaError {
  const [only, other] = daemons;
  const what =
    only === undefined
      ? "No daemon has joined this server yet"
      : other === undefined
        ? `The daemon ${nameOf(only)} is offline`
        : `All ${daemons.length} daemons are offline`;
  return new MakimaError("unavailable", what, {
    hint: "Start it with `makima daemon`, or on this machine with `makima up`.",
  });
}
