import { DatabaseError } from "pg";
import { MakimaError } from "../../../core/errors.ts";

/** The connection is gone: what was last asked of it may have happened or not, and nothing more can be asked. */
export class ConnectionLost extends MakimaError {
  /** Short, and without anything secret. */
  readonly problem: string;

  constructor(database: string, error: Error) {
    const problem = problemOf(error);
    super("database_unavailable", `The ${database} does not answer: ${problem}`, { cause: error });
    this.problem = problem;
  }
}

/** What to throw instead of an error of the driver: ConnectionLost, `database_unavailable`, or the error itself. */
export function explainPostgres(error: unknown, database: string): unknown {
  if (error instanceof DatabaseError) {
    const code = error.code ?? "";
    if (code.startsWith(CONNECTION_CLASS) || LOST.includes(code) || Object.hasOwn(REFUSED, code))
      return new ConnectionLost(database, error);
    const busy = BUSY[code];
    if (busy === undefined) return error;
    return new MakimaError("database_unavailable", `The ${database} ${busy}`, { cause: error });
  }
  if (!(error instanceof Error) || error instanceof MakimaError || isDefect(error)) return error;
  if (error.message === POOL_BUSY) return new MakimaError("database_unavailable", `The ${database} is overloaded`);
  // Whatever else the driver throws is about its socket.
  return new ConnectionLost(database, error);
}

/** Why PostgreSQL will not have us, however often we ask, and what to do; null where asking again may help. */
export function refusalOf(error: unknown, database: string): MakimaError | null {
  const cause = error instanceof ConnectionLost ? error.cause : error;
  if (!(cause instanceof DatabaseError)) return null;
  const hint = REFUSED[cause.code ?? ""];
  if (hint === undefined) return null;
  const message = `The ${database} refuses makima: ${problemOf(cause)}`;
  return new MakimaError("database_unavailable", message, { hint, cause });
}

export function problemOf(error: Error): string {
  // When several addresses of a host were tried, the message is empty.
  const text = error.message || ("code" in error ? String(error.code) : error.name);
  return text.replaceAll(/\s+/g, " ").slice(0, LONGEST_PROBLEM);
}

const LONGEST_PROBLEM = 200;

/** SQLSTATE class 08: connection exception. */
const CONNECTION_CLASS = "08";

/**
 * Shut down by an administrator, crashed, starting up; session ended for being idle, too slow or one too many; and
 * read-only, which is what a primary becomes that was replaced by another.
 */
const LOST: readonly string[] = ["57P01", "57P02", "57P03", "57P05", "25P03", "25P04", "53300", "25006"];

const BUSY: Readonly<Record<string, string>> = {
  "55P03": "was held by another writer for too long",
  "57014": "took too long to answer",
  "53100": "has no room left on its disk",
  "53200": "has no memory left",
};

const REFUSED: Readonly<Record<string, string>> = {
  "28P01": "Check user and password in the database URL.",
  "28000": "Check user and password in the database URL, sslmode in it, and the server's pg_hba.conf.",
  "3D000": "Create it: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0.",
  "42501": "Let the user of the database URL own the database: ALTER DATABASE name OWNER TO user.",
};

/** pg-pool's words for: all connections are in use, and none came back in time. */
const POOL_BUSY = "timeout exceeded when trying to connect";

function isDefect(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;
}
