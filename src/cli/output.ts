import { styleText } from "node:util";

/** A stream of the process, as far as output needs it. */
export type OutputStream = NodeJS.WritableStream & { isTTY?: boolean; rows?: number; writableNeedDrain?: boolean };

type Format = Parameters<typeof styleText>[0];

/**
 * Where a command's words go. With `--json`, stdout carries documents and nothing else; otherwise text. stderr carries
 * errors and warnings, and progress when it is a terminal.
 */
export class Output {
  readonly json: boolean;
  readonly #stdout: OutputStream;
  readonly #stderr: OutputStream;
  readonly #closed = new AbortController();
  #failure: Error | null = null;

  constructor(stdout: OutputStream, stderr: OutputStream, json: boolean) {
    this.json = json;
    this.#stdout = stdout;
    this.#stderr = stderr;
    stdout.on("error", (error: NodeJS.ErrnoException) => {
      // The reader of a pipe went away (`makima logs ... | head`): that is its right, and no failure of ours.
      if (error.code !== "EPIPE") this.#failure = error;
      this.#closed.abort();
    });
    // With stderr gone there is nowhere left to say so.
    stderr.on("error", () => {});
  }

  /** Aborts when nobody reads stdout any more. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Why stdout could not be written, when that was not its reader's choice. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** One line for a person, on stdout; nothing with `--json`. */
  line(text: string): void {
    this.text(`${text}\n`);
  }

  /** The same, of as many lines as it has. */
  text(text: string): void {
    if (!this.json) this.#write(this.#stdout, text);
  }

  /** One JSON document, on stdout; nothing without `--json`. */
  document(value: unknown): void {
    if (this.json) this.#write(this.#stdout, `${JSON.stringify(value)}\n`);
  }

  /** Bytes as they are, on stdout; resolves when there is room for more. */
  async bytes(data: Uint8Array): Promise<void> {
    if (this.closed.aborted || this.#stdout.write(data)) return;
    await new Promise<void>((resolve) => {
      this.#stdout.once("drain", resolve);
      this.closed.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  /** Resolves when everything has been handed over, or cannot be: `failure` is final then. */
  async flush(): Promise<void> {
    if (this.closed.aborted) return;
    await new Promise<void>((resolve) => {
      this.#stdout.write("", () => setImmediate(resolve));
    });
  }

  /** What a person should know even when nobody watches: stderr, always. */
  warning(text: string): void {
    this.error(`makima: warning: ${text}`);
  }

  error(text: string): void {
    this.#write(this.#stderr, `${text}\n`);
  }

  /** What only someone who watches cares for: stderr, when it is a terminal. */
  progress(text: string): void {
    if (this.#stderr.isTTY === true) this.#write(this.#stderr, `${text}\n`);
  }

  /**
   * Where something that happens over time is told: stdout for text; with `--json` stderr, and then only to a terminal.
   * `live` says that a person watches; null means that nobody does.
   */
  story(): Story | null {
    const stream = this.json ? this.#stderr : this.#stdout;
    const live = stream.isTTY === true;
    if (this.json && !live) return null;
    return {
      live,
      write: (text) => this.#write(stream, text),
      style: (format, text) => paint(format, text, stream),
    };
  }

  /** Colours a part of a line for stdout; plain where stdout is no terminal or NO_COLOR is set. */
  readonly style = (format: Format, text: string): string => paint(format, text, this.#stdout);

  #write(stream: OutputStream, text: string): void {
    if (stream === this.#stdout && this.closed.aborted) return;
    stream.write(text);
  }
}

export interface Story {
  live: boolean;
  write: (text: string) => void;
  style: (format: Format, text: string) => string;
}

function paint(format: Format, text: string, stream: NodeJS.WritableStream): string {
  return styleText(format, text, { stream });
}
