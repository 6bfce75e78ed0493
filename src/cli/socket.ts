import { WebSocket } from "ws";
import type { Endpoint } from "../client/client.ts";
import type { Socket, SocketEvents } from "../client/subscriber.ts";

/** A server that answers no ping for two rounds is gone, whatever TCP still believes. */
const PING_EVERY = 8_000;

/** The subscriber's socket in Node, with the key on the upgrade request. */
export function openSocket(endpoint: Endpoint, path: string, events: SocketEvents): Socket {
  const url = new URL(path, endpoint.url.replace(/^http/, "ws"));
  const socket = new WebSocket(url, {
    headers: { authorization: `Bearer ${endpoint.key}` },
    perMessageDeflate: false,
    handshakeTimeout: PING_EVERY,
  });
  const heartbeat = keepWatch(socket);
  let told = false;
  const close = (message: string, status: number | null) => {
    clearInterval(heartbeat);
    if (told) return;
    told = true;
    socket.terminate();
    events.close({ message, status });
  };
  socket.on("open", () => events.open());
  socket.on("message", (data: Buffer, isBinary) => (isBinary ? events.binary(data) : events.text(data.toString())));
  socket.on("unexpected-response", (_request, response) => {
    close(`the server answered ${response.statusCode}`, response.statusCode ?? null);
  });
  socket.on("error", (error) => close(error.message, null));
  socket.on("close", (code) => close(`connection closed (${code})`, null));
  return {
    send: (text) => socket.send(text),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close() {
      told = true;
      clearInterval(heartbeat);
      socket.terminate();
    },
  };
}

function keepWatch(socket: WebSocket): NodeJS.Timeout {
  let silentRounds = 0;
  const heard = () => {
    silentRounds = 0;
  };
  socket.on("pong", heard);
  socket.on("message", heard);
  return setInterval(() => {
    if (socket.readyState !== WebSocket.OPEN) return;
    // While it is paused the answers wait in the kernel, unread.
    if (socket.isPaused) return heard();
    if (silentRounds++ >= 2) return socket.terminate();
    socket.ping();
  }, PING_EVERY);
}
