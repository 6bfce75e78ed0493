import type { WebSocket } from "ws";
import { LINK_DEAD_AFTER, LINK_PING_EVERY } from "../../protocol/link.ts";

/**
 * Pings a peer and terminates the connection when nothing has come from it for LINK_DEAD_AFTER: a half-open connection
 * would otherwise look alive for as long as TCP keeps trying.
 */
export class KeepAlive implements Disposable {
  readonly #timer: NodeJS.Timeout;
  #heardAt = performance.now();

  constructor(socket: WebSocket) {
    const heard = () => (this.#heardAt = performance.now());
    socket.on("message", heard);
    socket.on("pong", heard);
    this.#timer = setInterval(() => {
      // What is not read cannot be heard: a paused socket is our doing, not the peer's silence.
      if (socket.isPaused) heard();
      if (performance.now() - this.#heardAt > LINK_DEAD_AFTER) socket.terminate();
      else if (socket.readyState === socket.OPEN) socket.ping();
    }, LINK_PING_EVERY);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
