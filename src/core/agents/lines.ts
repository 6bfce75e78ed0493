/** One line without its newline; `truncated` when it was longer than the limit and only its beginning was kept. */
export interface Line {
  text: string;
  truncated: boolean;
}

/**
 * Cuts bytes into lines. UTF-8 and lines may be split anywhere over chunks, invalid UTF-8 becomes U+FFFD, and at most
 * `limit` UTF-16 units of an unfinished line are held: a line that grows past it is given out at once, cut to `kept`,
 * and the rest of it is skipped.
 */
export class LineSplitter {
  readonly #limit: number;
  readonly #kept: number;
  readonly #decoder = new TextDecoder();
  #held = "";
  #skipping = false;

  constructor(limit: number, kept: number) {
    this.#limit = limit;
    this.#kept = kept;
  }

  push(bytes: Uint8Array): Line[] {
    return this.#cut(this.#decoder.decode(bytes, { stream: true }));
  }

  end(): Line[] {
    const lines = this.#cut(this.#decoder.decode());
    if (this.#held !== "") lines.push({ text: this.#held, truncated: false });
    this.#held = "";
    return lines;
  }

  /** Looks at every unit once: what is held is known to contain no newline. */
  #cut(text: string): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (let newline = text.indexOf("\n"); newline !== -1; newline = text.indexOf("\n", start)) {
      this.#hold(text.slice(start, newline), lines);
      if (!this.#skipping) lines.push({ text: this.#held, truncated: false });
      this.#held = "";
      this.#skipping = false;
      start = newline + 1;
    }
    this.#hold(text.slice(start), lines);
    return lines;
  }

  #hold(part: string, lines: Line[]): void {
    if (this.#skipping) return;
    this.#held += part;
    if (this.#held.length <= this.#limit) return;
    lines.push({ text: this.#held.slice(0, this.#kept), truncated: true });
    this.#held = "";
    this.#skipping = true;
  }
}
