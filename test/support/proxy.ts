import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** What stands before the servers of a team: one address, behind which one or the other of them answers. */
export interface Proxy extends AsyncDisposable {
  port: number;
  /** Breaks every connection as a pulled cable does. */
  cut(): void;
}

/** Takes connections to the first of the ports that answers; `ports` is asked anew for each connection. */
export async function startProxy(ports: () => readonly number[]): Promise<Proxy> {
  const open = new Set<Socket>();
  const server = createServer((client) => void join(client, ports(), open));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      cut();
      await closed;
    },
  };
}

async function join(client: Socket, ports: readonly number[], open: Set<Socket>): Promise<void> {
  hold(client, open);
  for (const port of ports) {
    const upstream = connect(port, "127.0.0.1");
    hold(upstream, open);
    if (!(await reached(upstream))) continue;
    client.pipe(upstream);
    upstream.pipe(client);
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
    if (client.destroyed) upstream.destroy();
    return;
  }
  client.destroy();
}

function hold(socket: Socket, open: Set<Socket>): void {
  open.add(socket);
  // The close that follows an error is what counts.
  socket.on("error", () => undefined);
  socket.on("close", () => open.delete(socket));
}

function reached(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(true));
    socket.once("close", () => resolve(false));
  });
}
