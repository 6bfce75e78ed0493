import { z } from "zod";
import { Labels } from "./labels.ts";
import { OperationOrder } from "./operations.ts";
import { MessageKind } from "./run-events.ts";
import { RunSpec } from "./run-spec.ts";

/**
 * The daemon link: JSON text frames, and one binary frame kind, `append`, so that bytes stay bytes.
 * Acknowledged means committed: the daemon may forget what lies below an acknowledged offset, and nothing above it.
 */
export const LINK_VERSION = 4;

/** Both sides ping this often (ms) and give a silent peer up after LINK_DEAD_AFTER: noticed in under 20 s. */
export const LINK_PING_EVERY = 6_000;
export const LINK_DEAD_AFTER = 15_000;

/** Bytes of one run that may be on their way unacknowledged; the run's directory is the spool for the rest. */
export const MAX_UNACKED = 4 * 1024 * 1024;

const offset = z.int().min(0);

const Message = z.strictObject({ id: z.string(), kind: MessageKind, text: z.string().min(1) });

export const Command = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("SpawnTask"),
    spec: RunSpec,
    /** Branch, tag or commit whose tip takes the place of `spec.base` where it exists; `required`: it must. */
    startAt: z.strictObject({ ref: z.string(), required: z.boolean() }).nullable(),
    /** What the agent is told with its first prompt. */
    messages: z.array(Message),
  }),
  /** Cancels the run. */
  z.strictObject({ kind: z.literal("InterruptTask"), runId: z.string(), reason: z.string() }),
  /** The agent is interrupted, and no other is started before ResumeTask; the session goes on then. */
  z.strictObject({ kind: z.literal("PauseTask"), runId: z.string() }),
  z.strictObject({ kind: z.literal("ResumeTask"), runId: z.string() }),
  /** A person's words interrupt the agent, whose session goes on with them; all else it hears with its next prompt. */
  z.strictObject({ kind: z.literal("MessageTask"), runId: z.string(), message: Message }),
  /**
   * The contract is over: its tasks' checkouts on this machine go, after what is in no commit was salvaged, and so does
   * what else the daemon keeps for it. Runs of it that are still at work are stopped first.
   */
  z.strictObject({ kind: z.literal("CleanupWorktree"), contractId: z.string(), taskIds: z.array(z.string()) }),
  ...OperationOrder.options,
]);
export type Command = z.infer<typeof Command>;

/** Why a command could not be executed, as the error table has it. */
export const CommandError = z.strictObject({ code: z.string(), message: z.string(), hint: z.string() });
export type CommandError = z.infer<typeof CommandError>;

const RunSummary = z.strictObject({ runId: z.string(), fence: z.int().positive() });

export const DaemonMessage = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("hello"),
    version: z.int(),
    daemonId: z.string().min(1).max(100),
    /** Drawn at each start of a daemon: tells a daemon that comes back from another one with the same identity. */
    instance: z.string().min(1).max(100),
    name: z.string().min(1).max(200),
    host: z.string().min(1).max(300),
    maxTasks: z.int().min(1),
    labels: Labels,
    /** Runs in its journal that the server has not acknowledged whole. */
    runs: z.array(RunSummary),
    /** Tasks that it has a checkout of. */
    worktrees: z.array(z.string()),
  }),
  z.strictObject({
    type: z.literal("commandDone"),
    id: z.string(),
    error: CommandError.nullable(),
    /** Of an operation that was carried out; null for every other command. */
    result: z.record(z.string(), z.unknown()).nullable(),
  }),
  z.strictObject({
    type: z.literal("heartbeat"),
    at: z.int(),
    /** Size of its checkouts, and what they should not pass (null: no limit); absent while it is not known. */
    worktrees: z.strictObject({ bytes: z.int().min(0), quota: z.int().positive().nullable() }).optional(),
  }),
]);
export type DaemonMessage = z.infer<typeof DaemonMessage>;

export const ServerMessage = z.discriminatedUnion("type", [
  /** Acknowledged offsets of the runs named in hello: run id -> stream -> offset. */
  z.strictObject({
    type: z.literal("welcome"),
    version: z.int(),
    acked: z.record(z.string(), z.record(z.string(), offset)),
    /** Of the tasks named in hello's `worktrees`, those that this server does not know. */
    orphans: z.array(z.string()),
  }),
  z.strictObject({ type: z.literal("ack"), run: z.string(), stream: z.string(), offset }),
  z.strictObject({ type: z.literal("command"), id: z.string(), command: Command }),
  z.strictObject({ type: z.literal("fenced"), run: z.string() }),
  z.strictObject({ type: z.literal("refused"), message: z.string() }),
]);
export type ServerMessage = z.infer<typeof ServerMessage>;

/** Header of a binary append frame. `offset` is where in the stream `data` begins. */
export const AppendHeader = z.strictObject({
  run: z.string(),
  fence: z.int().positive(),
  stream: z.string(),
  offset,
});
export type AppendHeader = z.infer<typeof AppendHeader>;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** `u32 big-endian header length | header JSON | data`. */
export function encodeAppend(header: AppendHeader, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = encoder.encode(JSON.stringify(header));
  const frame = new Uint8Array(4 + head.length + data.length);
  new DataView(frame.buffer).setUint32(0, head.length);
  frame.set(head, 4);
  frame.set(data, 4 + head.length);
  return frame;
}

/** The inverse of encodeAppend; `data` is a view on `frame`. Throws on a malformed frame. */
export function decodeAppend(frame: Uint8Array): { header: AppendHeader; data: Uint8Array } {
  if (frame.length < 4) throw new Error("append frame shorter than its length field");
  const length = new DataView(frame.buffer, frame.byteOffset).getUint32(0);
  if (length > frame.length - 4) throw new Error("append frame shorter than its header");
  const header = AppendHeader.parse(JSON.parse(decoder.decode(frame.subarray(4, 4 + length))));
  return { header, data: frame.subarray(4 + length) };
}
