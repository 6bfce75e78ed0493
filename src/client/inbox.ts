/**
 * What has arrived for one subscription and was not yet read. It never refuses: `onSize` tells the owner how much is
 * held, and the owner stops reading from its socket while that is too much.
 */
export class Inbox<T> {
  readonly #onSize: (change: number) => void;
  #items: { item: T; size: number }[] = [];
  #state: "open" | "ended" | { error: Error } = "open";
  #wake: (() => void) | null = null;

  constructor(onSize: (change: number) => void) {
    this.#onSize = onSize;
  }

  put(item: T, size: number): void {
    if (this.#state !== "open") return;
    this.#items.push({ item, size });
    this.#onSize(size);
    this.#notify();
  }

  /** What was put before stays readable; later calls change nothing. */
  end(error: Error | null = null): void {
    if (this.#state !== "open") return;
    this.#state = error === null ? "ended" : { error };
    this.#notify();
  }

  /** Everything that has arrived, waiting for something; null at the end. One reader at a time. */
  async take(): Promise<T[] | null> {
    while (this.#items.length === 0) {
      if (this.#state === "ended") return null;
      if (this.#state !== "open") throw this.#state.error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.clear();
  }

  /** Empties the inbox and gives what was in it. */
  clear(): T[] {
    const items = this.#items;
    this.#items = [];
    this.#onSize(-items.reduce((sum, { size }) => sum + size, 0));
    return items.map(({ item }) => item);
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
