import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Where } from "../../src/server/testing/peers.ts";

type ServerProcess = Where & AsyncDisposable & { kill(): void };

/** A server as a process of its own, to be killed; on a PostgreSQL database where its URL is given. */
export async function startServerProcess(home: string, postgres?: string): Promise<ServerProcess> {
  const script = fileURLToPath(new URL("../../src/server/testing/server-process.ts", import.meta.url));
  const args = [script, home, ...(postgres === undefined ? [] : [postgres])];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const kill = () => void child.kill("SIGKILL");
  const end = async () => {
    kill();
    await exited;
  };
  return { ...(JSON.parse(line) as Where), kill, [Symbol.asyncDispose]: end };
}
