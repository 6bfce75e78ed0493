import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { InterruptedBy } from "../../core/verdict.ts";
import { isErrno, writeAtomic } from "../../platform/files.ts";
import type { RunContext } from "./context.ts";

/** A person's reason to stop an agent in mid-turn. Disposing it stops listening to them. */
export interface Interruption extends Disposable {
  /** Aborts when a person wants the run paused, or has something to say to the agent. */
  readonly wanted: AbortSignal;
  /** What this daemon, or one before it, has stopped the agent for; null: nothing. */
  readonly by: InterruptedBy | null;
  /** Writes down that the agent is being stopped: its end must not count, not even if this daemon dies first. */
  note(): Promise<void>;
}

/** `dir`: the directory of the agent's process. */
export async function openInterruption(run: RunContext, dir: string): Promise<Interruption> {
  const path = join(dir, "interrupted");
  let by = await readNote(path);
  // What a daemon had noted before it died is carried out, even when nobody wants it any more: its signal may be on its way.
  const wanted = run.wishes.when(() => by !== null || run.wishes.paused || run.hasUnheardWords);
  return {
    wanted: wanted.signal,
    get by() {
      return by;
    },
    async note() {
      if (by !== null) return;
      by = run.wishes.paused ? "pause" : "message";
      await writeAtomic(path, by).catch((error: unknown) => {
        // The person's word outweighs a disk that is full: without the note, only a crash makes the end count.
        run.log.warn({ err: error, run: run.spec.runId }, "an interruption cannot be written down");
      });
    },
    [Symbol.dispose]: () => wanted[Symbol.dispose](),
  };
}

async function readNote(path: string): Promise<InterruptedBy | null> {
  try {
    return (await readFile(path, "utf8")) === "pause" ? "pause" : "message";
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw error;
  }
}
