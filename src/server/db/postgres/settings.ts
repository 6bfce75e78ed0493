import type { PoolConfig } from "pg";
import { types } from "pg";

/** Connections of one server. Only one of them writes at any time. */
const POOL_SIZE = 10;

const CONNECT_WITHIN_MS = 5_000;

/** Idle time after which the system asks whether the other side is still there: half-open links are found out. */
const KEEPALIVE_MS = 10_000;

/**
 * Nobody holds up the others for ever. A server that stalls in the middle of a transaction loses it, and the lock with
 * it, before those who wait for the lock give up; a statement is given up by PostgreSQL before it is by the client,
 * which does so only when the link is dead.
 */
const PATIENCE = {
  idle_in_transaction_session_timeout: 5_000,
  lock_timeout: 10_000,
  statement_timeout: 15_000,
  query_timeout: 20_000,
} satisfies PoolConfig;

/** For the connections of a server at work. */
export function workingSettings(url: string): PoolConfig {
  return { ...commonSettings(url), ...PATIENCE, max: POOL_SIZE };
}

/** For migrating, copying and backing up, which take as long as they take. */
export function patientSettings(url: string): PoolConfig {
  return { ...commonSettings(url), max: 1 };
}

function commonSettings(url: string): PoolConfig {
  return {
    connectionString: url,
    application_name: "makima",
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_MS,
    types: {
      getTypeParser: (type: number, format?: "text" | "binary") =>
        format !== "binary" && NUMBERS.includes(type) ? Number : types.getTypeParser(type, format),
    },
  };
}

/** int8 and numeric, which pg gives as strings: makima stores no number that JavaScript cannot hold. */
const NUMBERS: readonly number[] = [types.builtins.INT8, types.builtins.NUMERIC];
