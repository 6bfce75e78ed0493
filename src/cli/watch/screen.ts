import type { InputStream } from "../context.ts";
import type { OutputStream } from "../output.ts";

const ESC = "\x1b[";

/** The other screen, which leaves what was on the terminal alone; no cursor, and lines that are too long are cut. */
const ENTER = `${ESC}?1049h${ESC}?25l${ESC}?7l`;
const LEAVE = `${ESC}?7h${ESC}?25h${ESC}?1049l`;
const HOME = `${ESC}H`;
const CLEAR_LINE_END = `${ESC}K`;
const CLEAR_BELOW = `${ESC}J`;

const CTRL_C = "\x03";

/** For a terminal that does not say how high it is. */
const USUAL_ROWS = 24;

/** A frame sooner after the one before (ms) shows nothing that an eye could follow. */
const FRAME_TIME = 50;
/** Ages and times grow without any change. */
const REDRAW_EVERY = 1_000;

export interface ScreenOptions {
  stdin: InputStream;
  stdout: OutputStream;
  /** The lines to show in so many rows. */
  frame: (rows: number) => string[];
  onKey: (key: "quit" | "interrupt") => void;
}

/** Owns the terminal until it is disposed: shows frames, and hears keys. */
export class Screen implements Disposable {
  readonly #options: ScreenOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #draw = () => this.#show();
  readonly #read = (data: Uint8Array | string) => this.#hear(data.toString());
  #next: NodeJS.Timeout | null = null;

  constructor(options: ScreenOptions) {
    this.#options = options;
    const { stdin, stdout } = options;
    stdout.write(ENTER);
    stdout.on("resize", this.#draw);
    stdin.setRawMode?.(true);
    stdin.on("data", this.#read);
    this.#timer = setInterval(this.#draw, REDRAW_EVERY);
    this.#show();
  }

  /** Shows the next frame soon. */
  changed(): void {
    this.#next ??= setTimeout(this.#draw, FRAME_TIME);
  }

  [Symbol.dispose](): void {
    const { stdin, stdout } = this.#options;
    clearInterval(this.#timer);
    if (this.#next !== null) clearTimeout(this.#next);
    stdin.off("data", this.#read);
    stdin.setRawMode?.(false);
    // What is read from keeps the process alive.
    stdin.pause();
    stdout.off("resize", this.#draw);
    stdout.write(LEAVE);
  }

  #show(): void {
    if (this.#next !== null) clearTimeout(this.#next);
    this.#next = null;
    const { stdout, frame } = this.#options;
    // A terminal that is stopped (Ctrl-S) or slow must not collect frames in memory.
    if (stdout.writableNeedDrain === true) return;
    const lines = frame(stdout.rows || USUAL_ROWS);
    stdout.write(HOME + lines.map((line) => line + CLEAR_LINE_END).join("\r\n") + CLEAR_BELOW);
  }

  #hear(keys: string): void {
    if (keys.includes(CTRL_C)) this.#options.onKey("interrupt");
    else if (keys.includes("q")) this.#options.onKey("quit");
  }
}
