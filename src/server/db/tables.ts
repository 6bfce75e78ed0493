import type { Generated } from "kysely";
import type { RunState } from "../../core/task-state.ts";
import type {
  Contract,
  CreateContract,
  Delivery,
  Iteration,
  Notification,
  Question,
  Task,
  TaskDefaults,
  TaskDetail,
  TaskStatus,
} from "../../protocol/api.ts";
import type { Labels } from "../../protocol/labels.ts";
import type { Command } from "../../protocol/link.ts";
import type { RunEventOf } from "../../protocol/run-events.ts";
import type { Change } from "../../protocol/subscriptions.ts";
import type {
  CheckpointsTable,
  FilesTable,
  FileVersionsTable,
  MessagesTable,
  OperationsTable,
  ReportsTable,
} from "./contract-tables.ts";
import type { Json } from "./json.ts";

/** Ids are UUIDv7 text, times epoch milliseconds, flags 0 or 1: what SQLite and PostgreSQL store alike. */
export interface Tables {
  contracts: ContractsTable;
  tasks: TasksTable;
  dependencies: DependenciesTable;
  runs: RunsTable;
  iterations: IterationsTable;
  streams: StreamsTable;
  chunks: ChunksTable;
  changes: ChangesTable;
  counters: CountersTable;
  commands: CommandsTable;
  daemons: DaemonsTable;
  keys: KeysTable;
  logins: LoginsTable;
  replies: RepliesTable;
  questions: QuestionsTable;
  notifications: NotificationsTable;
  deliveries: DeliveriesTable;
  duties: DutiesTable;
  totals: TotalsTable;
  files: FilesTable;
  file_versions: FileVersionsTable;
  reports: ReportsTable;
  messages: MessagesTable;
  operations: OperationsTable;
  checkpoints: CheckpointsTable;
}

export type Flag = 0 | 1;

export interface ContractsTable {
  id: string;
  name: string;
  status: Contract["status"];
  type: Contract["type"];
  phase: Generated<Contract["phase"]>;
  driver: Generated<Contract["driver"]>;
  goal: string;
  goals: Generated<Json<Contract["goals"]>>;
  repositories: Generated<Json<Contract["repositories"]>>;
  /** Empty for a contract of an earlier version of makima, which merges nothing. */
  integration_branch: Generated<string>;
  completion_action: Generated<Contract["completionAction"]>;
  budget_usd: number | null;
  /** Of all tasks together. */
  cost_usd: Generated<number>;
  max_parallel: number | null;
  /** When it was completed or deleted; null for one of an earlier version. */
  ended_at: number | null;
  /** What its further tasks have where they do not say otherwise. */
  defaults: Json<TaskDefaults> | null;
  /** When a task of it was last given to a daemon; null: never. */
  served_at: number | null;
  version: Generated<number>;
  created_at: number;
  updated_at: number;
}

export interface TasksTable {
  id: string;
  contract_id: string;
  name: string;
  role: Generated<Task["role"]>;
  parent_id: string | null;
  status: TaskStatus;
  reason: string | null;
  agent: string;
  repository: string;
  /** The commit that it starts from; until it has started, what holds where `start_at` leads nowhere. */
  base: string;
  /** What takes the place of `base` when it starts; null: nothing, or it has started. */
  start_at: Json<StartAt> | null;
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
  /** null: the contract's goal. */
  goal: string | null;
  labels: Generated<Json<Labels>>;
  /** How many of its dependencies are not completed. */
  blocked: Generated<number>;
  /** Who wants it to pause; null: nobody. */
  hold: Hold | null;
  /** The daemon that has checkout and session of a resumed task; null: there is none. */
  home: string | null;
  /** null: nothing of it is, or has, to be merged. */
  merge: Task["merge"];
  /** How often it was sent back because it could not be merged. */
  merge_attempts: Generated<number>;
  /** Its run sleeps until something happens in the contract that it supervises. */
  idle: Generated<Flag>;
  /** Names what it asks of a daemon, see queueOf: of pending tasks that ask the same, the oldest is first. */
  queue: Generated<string>;
  version: Generated<number>;
  created_at: number;
  updated_at: number;
}

export type StartAt = NonNullable<Extract<Command, { kind: "SpawnTask" }>["startAt"]>;

/** `contract`: its contract's pause is the cause, and ends it. */
export type Hold = "person" | "contract";

/** `task_id` starts only when `after_id` is completed. */
export interface DependenciesTable {
  task_id: string;
  after_id: string;
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
  sandbox: TaskDetail["sandbox"];
  branch_kept: Flag;
  verification: TaskDetail["verification"];
  /** The tree that has passed every check, from the receipt. */
  verified_tree: string | null;
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
  /** When the retention rules dropped its output; null while that is there. */
  dropped_at: number | null;
  /** How often the archive command has failed for it. */
  archive_failures: Generated<number>;
  /** The archive command is not run for it before; null: it has not failed. */
  archive_after: number | null;
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
  /** Nothing is left to do for its chunks: they are few large compressed ones, or were dropped with the run's output. */
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
  /** The contract that it is about; null: none, or it is from an earlier version. */
  contract_id: string | null;
  data: Json<Change["data"]>;
}

/** Numbers without gaps, in commit order: a database sequence would leave gaps after a rollback. */
export interface CountersTable {
  name: "changes" | "commands" | "operations";
  value: number;
}

export interface CommandsTable {
  id: string;
  /** Order in which commands were given. */
  seq: number;
  daemon_id: string;
  /** Of the three, the one that it is about; a contract only where it is about that as a whole. */
  run_id: string | null;
  operation_id: string | null;
  contract_id: string | null;
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
  labels: Generated<Json<Labels>>;
  /** Which start of the daemon is, or was last, connected. */
  instance: string | null;
  /** Names the connection that holds the identity, over all servers; null while it is offline. */
  link_id: string | null;
  online: Flag;
  last_seen_at: number;
  /** The key that it was connected with last; null: it has not been since this is noted. */
  key_id: string | null;
  /** Size of its checkouts; null: it has not told yet. */
  worktree_bytes: number | null;
  /** What they should not pass; null: no limit. */
  worktree_quota: number | null;
  /** People were told that they pass it, and it has not been well below since. */
  worktrees_full: Generated<Flag>;
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
  /** Of a task's key: its task supervises the contract. */
  supervisor: Generated<Flag>;
  created_at: number;
  revoked_at: number | null;
  /** Of a browser's session; null: it is valid until it is revoked. */
  expires_at: number | null;
}

/** Codes that log a browser in, until they are used. */
export interface LoginsTable {
  /** SHA-256 of the code, hex. */
  hash: string;
  expires_at: number;
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

export interface QuestionsTable {
  id: string;
  contract_id: string;
  task_id: string;
  /** The run whose agent asked; null when a person did. */
  run_id: string | null;
  text: string;
  choices: Json<string[]>;
  status: Question["status"];
  answer: string | null;
  created_at: number;
  closed_at: number | null;
}

export interface NotificationsTable {
  id: string;
  kind: Notification["kind"];
  /** What it is about: unique per kind, so that nothing is told twice, not even after it was dismissed. */
  subject: string;
  status: Notification["status"];
  title: string;
  body: string;
  contract_id: string | null;
  task_id: string | null;
  created_at: number;
}

export interface DeliveriesTable {
  id: string;
  notification_id: string;
  /** By which channel it goes: SHA-256 of the webhook's URL, or `desktop`. */
  channel: string;
  /** URL of the webhook, without what may be secret in it. */
  target: string;
  status: Delivery["status"];
  attempts: number;
  response_status: number | null;
  error: string | null;
  /** When it is due; moved ahead by the server that takes it up, so that no other does; null when it is over. */
  next_at: number | null;
  created_at: number;
}

/** Work that one of the servers that share the database does for all of them. */
export interface DutiesTable {
  name: string;
  /** Drawn by each server that wants to do it. */
  holder: string;
  /** Then another server may take it over. */
  until: number;
}

/** Sums that are kept up, because adding them up again would look at everything. */
export interface TotalsTable {
  /** Bytes of the compressed chunks. */
  name: "merged-output";
  value: number;
}
