/** Lets at most `size` through at a time of those that name the same key, in the order in which they asked. */
export class Turns {
  readonly #size: number;
  /** Who has a turn, and who waits for one. A key that nobody names is not kept. */
  readonly #keys = new Map<string, { taken: number; waiting: (() => void)[] }>();

  constructor(size: number) {
    this.#size = size;
  }

  /** Resolves when it is the caller's turn, which lasts until the result is disposed. */
  async take(key: string): Promise<Disposable> {
    const state = this.#keys.get(key) ?? { taken: 0, waiting: [] };
    this.#keys.set(key, state);
    if (state.taken < this.#size) {
      state.taken += 1;
    } else {
      const { promise, resolve } = Promise.withResolvers<void>();
      state.waiting.push(resolve);
      await promise;
    }
    return { [Symbol.dispose]: () => this.#leave(key) };
  }

  #leave(key: string): void {
    const state = this.#keys.get(key);
    // Handed on, not given back: nobody who comes in this moment can get in between.
    const next = state?.waiting.shift();
    if (next !== undefined) next();
    else if (state?.taken === 1) this.#keys.delete(key);
    else if (state !== undefined) state.taken -= 1;
  }
}
