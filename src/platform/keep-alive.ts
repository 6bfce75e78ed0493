import type { WebSocket } from "ws";

interface Rhythm {
  /** Milliseconds between two signs of life. */
  every: number;
  /** Milliseconds of silence after which the peer counts as gone. */
  deadAfter: number;
  /** Gives the peer a sign of life; a WebSocket ping, which it answers, where there is nothing better to say. */
  beat?: () => void;
}

/**
 * Gives a peer signs of life, and terminates the connection when none come from it: a half-open connection would
 * otherwise look alive for as long as TCP keeps trying. Whatever arrives is a sign of life.
 */
export class KeepAlive implements Disposable {
  readonly #socket: WebSocket;
  readonly #deadAfter: number;
  readonly #beats: NodeJS.Timeout;
  #silence: NodeJS.Timeout;
  #heardAt = performance.now();
  #gaveUp = false;

  constructor(socket: WebSocket, { every, deadAfter, beat = () => socket.ping() }: Rhythm) {
    this.#socket = socket;
    this.#deadAfter = deadAfter;
    for (const event of ["message", "ping", "pong"]) socket.on(event, () => this.#heard());
    this.#beats = setInterval(() => {
      // What is not read cannot be heard: a paused socket is our doing, not the peer's silence.
      if (socket.isPaused) this.#heard();
      if (socket.readyState === socket.OPEN) beat();
    }, every);
    this.#silence = setTimeout(() => this.#listen(), deadAfter);
  }

  /** Whether the connection ended because the peer was silent. */
  get gaveUp(): boolean {
    return this.#gaveUp;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#beats);
    clearTimeout(this.#silence);
  }

  #heard(): void {
    this.#heardAt = performance.now();
  }

  /** A message only leaves a note: a flood of them must not cost a timer each. */
  #listen(): void {
    if (this.#socket.isPaused) this.#heard();
    const left = this.#heardAt + this.#deadAfter - performance.now();
    if (left > 0) {
      this.#silence = setTimeout(() => this.#listen(), left);
    } else {
      this.#gaveUp = true;
      this.#socket.terminate();
    }
  }
}
