import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { pythonProgram } from "./case.ts";
import { environmentOf } from "./world.ts";
import type { World } from "./world.ts";

/** Lets everybody trace it, which some kernels do not by themselves, and makes a segment of shared memory. */
const PROGRAM = pythonProgram(`
libc.prctl(0x59616d61, ctypes.c_ulong(-1), 0, 0, 0)
libc.shmget(int(os.environ["SHARED_MEMORY"]), 4096, 0o1666)
print("ready", flush=True)
sys.stdin.read()`);

/** A process outside of every sandbox, with secrets in its environment, in a directory worth having. */
export interface Victim extends Disposable {
  variables: Readonly<Record<string, string>>;
  /** Whether it runs: neither ended nor stopped. */
  isWell(): boolean;
}

export async function startVictim(world: World): Promise<Victim> {
  const key = String(1 + Math.floor(Math.random() * 2 ** 30));
  const child = spawn("python3", ["-c", PROGRAM, "victim"], {
    cwd: world.outside,
    env: { ...environmentOf(world), SHARED_MEMORY: key },
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  await once(child.stdout, "data");
  return {
    variables: { VICTIM: String(child.pid), SHARED_MEMORY: key },
    isWell: () => /^State:\s*[SRD]/m.test(readFileSync(`/proc/${child.pid}/status`, "utf8")),
    [Symbol.dispose]() {
      child.kill("SIGKILL");
      execFileSync("ipcrm", ["--shmem-key", key]);
    },
  };
}
