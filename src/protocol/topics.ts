/**
 * Viewers subscribe to topics on one WebSocket, each from a cursor; replay and live are one path.
 * Topics: `events` (the change feed, cursor = sequence) and `run/<id>/<stream>` (bytes, cursor = offset).
 */
export const CHANGES_TOPIC = "events";

export function streamTopic(runId: string, stream: string): string {
  return `run/${runId}/${stream}`;
}

/** Splits `run/<id>/<stream>`; null for any other topic. */
export function parseStreamTopic(topic: string): { runId: string; stream: string } | null {
  const match = /^run\/([^/]+)\/(.+)$/.exec(topic);
  return match?.[1] !== undefined && match[2] !== undefined ? { runId: match[1], stream: match[2] } : null;
}

const HEADER_BYTES = 12;

/** `u32 subscription id | u64 offset | data`, all big-endian. */
export function encodeStreamData(id: number, offset: number, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(HEADER_BYTES + data.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, id);
  view.setBigUint64(4, BigInt(offset));
  frame.set(data, HEADER_BYTES);
  return frame;
}

export function decodeStreamData(frame: Uint8Array): { id: number; offset: number; data: Uint8Array } {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  return { id: view.getUint32(0), offset: Number(view.getBigUint64(4)), data: frame.subarray(HEADER_BYTES) };
}
