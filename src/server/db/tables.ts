import type { RunState } from "../../core/task-state.ts";
import type { Contract, CreateContract, Iteration, TaskDetail, TaskStatus } from "../../protocol/api.ts";
import type { Command } from "../../protocol/link.ts";
import type { RunEventOf } from "../../protocol/run-events.ts";
import type { Change } from "../../protocol/subscriptions.ts";
import type { Json } from "./json.ts";

/** Ids are UUIDv7 text, times epoch milliseconds, flags 0 or 1: what SQLite and PostgreSQL store alike. */
export interface Tables {
  contracts: ContractsTable;
  tasks: TasksTable;
  runs: RunsTable;
  iterations: IterationsTable;
  streams: StreamsTable;
  chunks: ChunksTable;
  changes: ChangesTable;
  counters: CountersTable;
  commands: CommandsTable;
  daemons: DaemonsTable;
  keys: KeysTable;
  replies: RepliesTable;
}

export type Flag = 0 | 1;

export interface ContractsTable {
  id: string;
  name: string;
  status: Contract["status"];
  type: string;
  goal: string;
  created_at: number;
  updated_at: number;
}

export interface TasksTable {
  id: string;
  contract_id: string;
  name: string;
  status: TaskStatus;
  reason: string | null;
  agent: string;
  repository: string;
  base: string;
  branch: string;
  include_changes: Flag;
  checks: Json<string[]>;
  settings: Json<CreateContract["settings"]>;
  /** Number of the latest run; what a stale daemon holds is lower. */
  fence: number;
  /** The latest run, live or ended. */
  run_id: string | null;
  /** Of all runs together. */
  cost_usd: number;
  wait_until: number | null;
  created_at: number;
  updated_at: number;
}

export interface RunsTable {
  id: string;
  task_id: string;
  daemon_id: string;
  fence: number;
  status: RunState;
  /** Counted iterations. */
  iterations: number;
  /** Where a resumed run would carry on. */
  session_id: string | null;
  breaker: Json<RunEventOf<"verdict">["breaker"]> | null;
  head: string | null;
  worktree: string | null;
  branch_kept: Flag;
  verification: TaskDetail["verification"];
  checks: Json<TaskDetail["checks"]>;
  tampering: Json<TaskDetail["tampering"]>;
  diff_stat: Json<NonNullable<TaskDetail["diffStat"]>> | null;
  error_code: string | null;
  hint: string | null;
  created_at: number;
  /** When its daemon took it up; null for a run that no daemon ever began. */
  started_at: number | null;
  /** null while the run is live. */
  ended_at: number | null;
}

export interface IterationsTable {
  run_id: string;
  index: number;
  session_id: string | null;
  gate: Json<NonNullable<Iteration["gate"]>> | null;
  changed: Flag | null;
  error: string | null;
  verdict: Iteration["verdict"];
  reason: string | null;
  refused: Flag;
  cost_usd: number;
  duration_ms: number | null;
  started_at: number;
}

export interface StreamsTable {
  run_id: string;
  stream: string;
  /** Bytes stored: the offset up to which the daemon has been told that they are safe. */
  size: number;
  /** Its chunks have become few large compressed ones. */
  merged: Flag;
}

export interface ChunksTable {
  run_id: string;
  stream: string;
  offset: number;
  /** Bytes of the stream that it holds, uncompressed. */
  size: number;
  encoding: "raw" | "zstd";
  data: Uint8Array;
}

export interface ChangesTable {
  seq: number;
  at: number;
  kind: Change["kind"];
  id: string;
  data: Json<Change["data"]>;
}

/** Numbers without gaps, in commit order: a database sequence would leave gaps after a rollback. */
export interface CountersTable {
  name: "changes" | "commands";
  value: number;
}

export interface CommandsTable {
  id: string;
  /** Order in which commands were given. */
  seq: number;
  daemon_id: string;
  run_id: string;
  kind: Command["kind"];
  /** Emptied when it is done: it holds the task's token, of which makima otherwise keeps only the hash. */
  payload: Json<Command> | null;
  created_at: number;
  done_at: number | null;
  error: string | null;
}

export interface DaemonsTable {
  id: string;
  name: string;
  host: string;
  max_tasks: number;
  online: Flag;
  last_seen_at: number;
}

export type KeyKind = "user" | "daemon" | "task";

export interface KeysTable {
  /** The first characters of the hash: names the key without revealing it. */
  id: string;
  /** SHA-256 of the token, hex. */
  hash: string;
  kind: KeyKind;
  /** `local` for the key in this machine's key file. */
  name: string | null;
  contract_id: string | null;
  run_id: string | null;
  created_at: number;
  revoked_at: number | null;
}

/** Replies to requests that carried an Idempotency-Key. */
export interface RepliesTable {
  key_id: string;
  idempotency_key: string;
  /** SHA-256 of route, parameters and body. */
  request_hash: string;
  reply: Json<unknown>;
  created_at: number;
}
