import type { WebSocket } from "ws";
import { LINK_DEAD_AFTER, LINK_PING_EVERY } from "../../protocol/link.ts";

/** Milliseconds between pings, and of silence after which a peer counts as gone. */
export interface Rhythm {
  every: number;
  deadAfter: number;
}

const LINK: Rhythm = { every: LINK_PING_EVERY, deadAfter: LINK_DEAD_AFTER };

/**
 * Pings a peer and terminates the connection when it stays silent: a half-open connection would otherwise look alive for
 * as long as TCP keeps trying.
 */
export class KeepAlive implements Disposable {
  readonly #timer: NodeJS.Timeout;
  #heardAt = performance.now();

  constructor(socket: WebSocket, { every, deadAfter }: Rhythm = LINK) {
    const heard = () => (this.#heardAt = performance.now());
    socket.on("message", heard);
    socket.on("pong", heard);
    this.#timer = setInterval(() => {
      // What is not read cannot be heard: a paused socket is our doing, not the peer's silence.
      if (socket.isPaused) heard();
      if (performance.now() - this.#heardAt > deadAfter) socket.terminate();
      else if (socket.readyState === socket.OPEN) socket.ping();
    }, every);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
