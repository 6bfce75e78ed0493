import { join } from "node:path";
import { ensurePrivateDir, writeAtomic } from "../platform/files.ts";
import { shellQuote } from "../platform/shell-quote.ts";

/**
 * Puts the command `makima` into the directory `bin`: what agents call is this very program, whatever else is installed
 * on the machine, and it speaks to the server of this daemon. Written anew at each start of a daemon, for the program may
 * have moved and a local server have another port; agents that were at work before find their way from then on. They
 * find the old file or the new one, whole.
 */
export async function writeLauncher(
  bin: string,
  { command, serverUrl }: { command: readonly string[]; serverUrl: string },
): Promise<void> {
  await ensurePrivateDir(bin);
  const script = [
    "#!/bin/sh",
    `export MAKIMA_API_URL=${shellQuote(serverUrl)}`,
    `exec ${command.map(shellQuote).join(" ")} "$@"`,
    "",
  ];
  await writeAtomic(join(bin, "makima"), script.join("\n"), { mode: 0o700 });
}
