import type { Contract } from "../../protocol/api.ts";
import type { CommandError } from "../../protocol/link.ts";
import type { Operation, OperationOrder } from "../../protocol/operations.ts";
import type { MessageKind } from "../../protocol/run-events.ts";
import type { Json } from "./json.ts";

/** A document of a contract; its content is in its versions. */
export interface FilesTable {
  contract_id: string;
  name: string;
  title: string;
  phase: Contract["phase"];
  version: number;
  /** UTF-16 units of the latest version. */
  size: number;
  created_at: number;
  updated_at: number;
}

export interface FileVersionsTable {
  contract_id: string;
  name: string;
  version: number;
  content: string;
  created_at: number;
}

export interface ReportsTable {
  id: string;
  contract_id: string;
  /** null: a person's. */
  task_id: string | null;
  text: string;
  created_at: number;
}

/** What a task's agent is to hear. */
export interface MessagesTable {
  id: string;
  task_id: string;
  kind: MessageKind;
  text: string;
  /** The run that was given it; null: none yet, or that run ended without having heard it. */
  run_id: string | null;
  heard_at: number | null;
  created_at: number;
}

export interface OperationsTable {
  id: string;
  kind: Operation["kind"];
  /** null: it is about the daemon itself. */
  contract_id: string | null;
  task_id: string | null;
  daemon_id: string;
  /** Of those with the same queue, one is given at a time, in the order of their numbers; null: at once. */
  queue: string | null;
  /** Order in which they were asked for, whatever the clocks of the servers say. */
  seq: number;
  status: Operation["status"];
  origin: Operation["origin"];
  order: Json<OperationOrder>;
  result: Json<NonNullable<Operation["result"]>> | null;
  error: Json<CommandError> | null;
  created_at: number;
  ended_at: number | null;
}

export interface CheckpointsTable {
  task_id: string;
  /** Last part of its ref. */
  name: string;
  run_id: string;
  commit_id: string;
  ref: string;
  message: string;
  created_at: number;
}
