import { Readable, Writable } from "node:stream";
import { runCommandLine } from "../../src/cli/program.ts";

export interface Printed {
  code: number;
  /** What it wrote to stdout, byte for byte. */
  bytes: Buffer;
  stdout: string;
  stderr: string;
}

export interface CommandLineOptions {
  env: Record<string, string>;
  input?: string;
  /** Aborts for what Ctrl-C is to a process. */
  interrupt?: AbortSignal;
  /** Hears stdout as it is written. */
  onOutput?: (text: string) => void;
  /** stdout is a terminal. */
  onTerminal?: boolean;
  /** Hears stderr as it is written, which is a terminal then. */
  onProgress?: (text: string) => void;
}

/** Runs a command line in this process: a tenth of what a process of its own takes. */
export async function commandLine(
  argv: readonly string[],
  { env, input = "", interrupt, onOutput, onTerminal, onProgress }: CommandLineOptions,
): Promise<Printed> {
  const stdout = new Capture(onOutput, onTerminal);
  const stderr = new Capture(onProgress, onProgress !== undefined);
  const code = await runCommandLine([...argv], {
    env,
    cwd: "/",
    stdin: Readable.from([Buffer.from(input)]),
    stdout,
    stderr,
    onSignals: (_, listener) => {
      if (interrupt?.aborted) queueMicrotask(listener);
      else interrupt?.addEventListener("abort", listener);
      return { [Symbol.dispose]: () => interrupt?.removeEventListener("abort", listener) };
    },
    exit: (status) => {
      throw new Error(`exit ${status}`);
    },
  });
  return { code, bytes: stdout.bytes, stdout: stdout.bytes.toString(), stderr: stderr.bytes.toString() };
}

class Capture extends Writable {
  readonly #chunks: Buffer[] = [];
  readonly isTTY: boolean;
  readonly #onOutput: ((text: string) => void) | undefined;

  constructor(onOutput?: (text: string) => void, isTTY = false) {
    super();
    this.#onOutput = onOutput;
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    this.#onOutput?.(chunk.toString());
    done();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
