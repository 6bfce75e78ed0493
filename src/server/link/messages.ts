import { DaemonMessage, decodeAppend } from "../../protocol/link.ts";
import { isStreamName, MAX_FRAME_DATA } from "../../protocol/streams.ts";
import type { Append } from "../runs/ingest.ts";

export type Incoming = { type: "append"; append: Append } | DaemonMessage;

/** Parses one frame of a daemon; throws on anything that the protocol does not know. */
export function parseFrame(data: Buffer, binary: boolean): Incoming {
  if (!binary) return DaemonMessage.parse(JSON.parse(data.toString("utf8")));
  const append = decodeAppend(data);
  if (!isStreamName(append.header.stream)) throw new Error("unknown kind of stream");
  if (append.data.length > MAX_FRAME_DATA) throw new Error("more data than a frame may carry");
  return { type: "append", append };
}
