import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo, ListenOptions } from "node:net";

/** What the host offers to whoever reaches it: sockets, and files in the directories of which a sandbox has its own. */
export interface Listeners extends AsyncDisposable {
  variables: Readonly<Record<string, string>>;
}

export async function listen(): Promise<Listeners> {
  await using stack = new AsyncDisposableStack();
  const name = `makima-escape-${randomBytes(6).toString("hex")}`;
  const isRoot = process.getuid?.() === 0;
  const variables: Record<string, string> = {
    SOCKET_TMP: `/tmp/${name}.sock`,
    // Only root may make one there; without it the case is not tried outside either.
    SOCKET_RUN: `/run/${name}.sock`,
    SOCKET_ABSTRACT: name,
    FILE_SHM: `/dev/shm/${name}`,
    FILE_VAR_TMP: `/var/tmp/${name}`,
  };
  for (const [variable, path] of Object.entries(variables)) {
    if (variable.startsWith("FILE_")) await writeFile(path, "x");
    else if (variable !== "SOCKET_RUN" || isRoot) {
      stack.use(await answer({ path: variable === "SOCKET_ABSTRACT" ? `\0${path}` : path }));
    }
    if (path.startsWith("/")) stack.defer(() => rm(path, { force: true }));
  }
  const loopback = stack.use(await answer({ host: "127.0.0.1", port: 0 }));
  const owned = stack.move();
  return {
    variables: { ...variables, PORT: String((loopback.address() as AddressInfo).port) },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Greets everybody who connects. */
async function answer(options: ListenOptions): Promise<ReturnType<typeof createServer>> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.end("listening");
  });
  server.listen(options);
  await once(server, "listening");
  return server;
}
