import type { EscapeCase } from "./case.ts";

/** What became of one script. */
export interface Tried {
  /** Null when it was ended because it took too long. */
  code: number | null;
  /** The end of what it printed. */
  said: string;
}

/** Enough for the slowest under load (ms). */
export const PROBE_TIMEOUT = 60_000;

/** Python opens nothing of its own that stays open, unlike most shells and node. */
const NOTE_DESCRIPTORS = `
import os, sys
found = {}
for number in os.listdir("/proc/self/fd"):
  try: found[number] = os.readlink(f"/proc/self/fd/{number}")
  except FileNotFoundError: pass
with open(os.environ["DESCRIPTORS"], "w") as file:
  for number, target in found.items(): print(number, target, file=file)
os.execvp(sys.argv[1], sys.argv[1:])`;

const TRY_EVERYTHING = `
const { spawnSync } = require("node:child_process");
for (const script of JSON.parse(require("node:fs").readFileSync(0, "utf8"))) {
  const { status, stdout, stderr } = spawnSync("sh", ["-c", script], { timeout: ${PROBE_TIMEOUT}, killSignal: "SIGKILL" });
  console.log(JSON.stringify({ code: status, said: (String(stdout) + String(stderr)).slice(-500) }));
}`;

/**
 * Program and arguments that read `probesInput` on stdin, try one script after the other, and print one line of JSON for
 * each. $DESCRIPTORS gets a line for each descriptor that the program was started with: its number, and what it is.
 */
export const PROBE_COMMAND: readonly string[] = ["python3", "-c", NOTE_DESCRIPTORS, "node", "--eval", TRY_EVERYTHING];

export function probesInput(cases: readonly EscapeCase[]): string {
  return JSON.stringify(cases.map(({ script }) => script));
}
