import type { Holder } from "../daemons/identity.ts";

/** One daemon's connection, as its server sees it. */
export interface Connected {
  readonly holder: Holder;
  /** Whether its daemon has given a sign of life since this was last asked. */
  takeSign(): boolean;
  /** It does not hold the daemon's identity any more. */
  superseded(): void;
  /** Resolves when nothing of it is left. */
  close(): Promise<void>;
}

/** The daemons' connections to this server, from their first moment: also those that have not said who they are. */
export class LinkRegistry implements AsyncDisposable {
  readonly #links = new Set<Connected>();
  #closing = false;

  opened(link: Connected): void {
    this.#links.add(link);
    if (this.#closing) void link.close();
  }

  closed(link: Connected): void {
    this.#links.delete(link);
  }

  /** Those with a sign of life since this was last asked. */
  takeSigns(): Connected[] {
    return [...this.#links].filter((link) => link.takeSign());
  }

  /** Closes every connection and waits until what that changes is written down. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#links].map((link) => link.close()));
  }
}
