/** What a connected daemon is known by. */
export interface Connected {
  readonly host: string;
  close(): Promise<void>;
}

/** The daemons that are connected to this server, at most one connection each. */
export class LinkRegistry implements AsyncDisposable {
  readonly #links = new Map<string, Connected>();
  readonly #all = new Set<Connected>();
  #closing = false;

  /** The connection that has the identity; two daemons with one identity would fight over the same runs. */
  holder(daemonId: string): Connected | null {
    return this.#links.get(daemonId) ?? null;
  }

  take(daemonId: string, link: Connected): void {
    this.#links.set(daemonId, link);
  }

  /** Every connection, from its first moment: also those that have not said who they are. */
  opened(link: Connected): void {
    this.#all.add(link);
    if (this.#closing) void link.close();
  }

  closed(link: Connected, daemonId: string | null): void {
    this.#all.delete(link);
    if (daemonId !== null && this.#links.get(daemonId) === link) this.#links.delete(daemonId);
  }

  /** Closes every connection and waits until what that changes is written down. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#all].map((link) => link.close()));
  }
}
