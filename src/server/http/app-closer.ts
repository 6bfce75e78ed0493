import type { FastifyInstance } from "fastify";

/** How long requests that are under way may take to be answered once the server stops (ms). */
const ANSWERED_WITHIN = 5_000;

/** Ends a server in order: nothing new is accepted, sockets are told, and what is under way is still answered. */
export class AppCloser implements AsyncDisposable {
  readonly #app: FastifyInstance;
  #closed: Promise<void> | null = null;

  constructor(app: FastifyInstance) {
    this.#app = app;
    // A connection that was answered when the server had begun to close would stay for as long as it is kept alive.
    app.addHook("onResponse", async () => {
      if (!app.server.listening) setImmediate(() => app.server.closeIdleConnections());
    });
  }

  begin(): void {
    this.#closed ??= this.#close();
  }

  /** Resolves when no connection is left: those that take too long are cut off. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.begin();
    await this.#closed;
  }

  async #close(): Promise<void> {
    const cutOff = setTimeout(() => this.#app.server.closeAllConnections(), ANSWERED_WITHIN);
    try {
      await this.#app.close();
    } finally {
      clearTimeout(cutOff);
    }
  }
}
