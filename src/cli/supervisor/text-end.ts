/** The end of a text that comes in pieces: at most `max` bytes of it are kept. */
export class TextEnd {
  readonly #max: number;
  #pieces: Uint8Array[] = [];
  #size = 0;
  #truncated = false;

  constructor(max: number) {
    this.#max = max;
  }

  add(data: Uint8Array): void {
    this.#pieces.push(data);
    this.#size += data.length;
    // Only now and then, so that many small pieces cost no more than few large ones.
    if (this.#size > 2 * this.#max) this.#cut();
  }

  /** `truncated`: there was more before it. */
  toText(): { text: string; truncated: boolean } {
    this.#cut();
    return { text: Buffer.concat(this.#pieces).toString("utf8"), truncated: this.#truncated };
  }

  #cut(): void {
    if (this.#size <= this.#max) return;
    const rest = Buffer.concat(this.#pieces).subarray(-this.#max);
    this.#pieces = [rest.subarray(startOfCharacter(rest))];
    this.#size = this.#pieces[0]?.length ?? 0;
    this.#truncated = true;
  }
}

/** Bytes of a character that was cut go too. */
function startOfCharacter(bytes: Uint8Array): number {
  const start = bytes.findIndex((byte) => (byte & 0xc0) !== 0x80);
  return Math.max(0, start);
}
