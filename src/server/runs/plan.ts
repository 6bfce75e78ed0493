import { EVENTS, MAX_FRAME_DATA } from "../../protocol/streams.ts";

export interface Piece {
  offset: number;
  data: Uint8Array;
}

export interface Plan {
  /** New bytes of the stream, often none, and where they begin: at its old end. */
  offset: number;
  data: Buffer;
  /** Size of the stream afterwards: the offset to acknowledge. */
  size: number;
}

/**
 * What of these appends is new to a stream that has `size` bytes. What is there already is not stored again, and what
 * lies behind a gap is left out: the acknowledged offset tells the daemon where to go on.
 */
export function planAppends(stream: string, size: number, pieces: readonly Piece[]): Plan {
  const added: Uint8Array[] = [];
  let end = size;
  for (const { offset, data } of pieces) {
    const whole = stream === EVENTS ? wholeLines(data) : data;
    if (offset > end || offset + whole.length <= end) continue;
    added.push(whole.subarray(end - offset));
    end = offset + whole.length;
  }
  return { offset: size, data: Buffer.concat(added), size: end };
}

const NEWLINE = 0x0a;

/**
 * Events are applied when they are stored, so the beginning of a line has to wait for its end. A line too long for a
 * frame would wait for ever: it is no event, and its bytes are taken as they come.
 */
function wholeLines(data: Uint8Array): Uint8Array {
  const end = data.lastIndexOf(NEWLINE) + 1;
  return end === 0 && data.length >= MAX_FRAME_DATA ? data : data.subarray(0, end);
}
