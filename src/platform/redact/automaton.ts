/** Factor that leaves room for a UTF-16 unit beside a state in one number. */
const UNITS = 0x10000;

/**
 * Aho and Corasick's automaton: finds every occurrence of many words in one pass over a text, whose cost does not grow
 * with their number. Works on UTF-16 units.
 */
export class Automaton {
  /** State of a text that ends with the beginning of no word. */
  static readonly START = 0;

  /** State and unit -> state, all in one map: a map for each state would take several times the memory. */
  readonly #next = new Map<number, number>();
  /** The longest shorter beginning of a word that the text read so far also ends with. */
  readonly #fallback: number[] = [Automaton.START];
  readonly #depth: number[] = [0];
  /** Indices of the words that end in a state. */
  readonly #ends = new Map<number, readonly number[]>();

  constructor(words: readonly string[]) {
    const states = words.flatMap((word, index) => this.#add(word, index));
    // What a state falls back to is shorter, and complete before it.
    for (const state of states.toSorted((a, b) => this.depth(a.to) - this.depth(b.to))) this.#link(state);
  }

  /** The state after one more unit. */
  step(state: number, unit: number): number {
    for (let at = state; ; at = this.#fallback[at] ?? Automaton.START) {
      const to = this.#next.get(at * UNITS + unit);
      if (to !== undefined) return to;
      if (at === Automaton.START) return at;
    }
  }

  /** Length of the longest end of the text that is the beginning of a word. */
  depth(state: number): number {
    return this.#depth[state] ?? 0;
  }

  /** Indices of the words that the text ends with. */
  wordsAt(state: number): readonly number[] {
    return this.#ends.get(state) ?? NONE;
  }

  /** Gives the states that the word adds. */
  #add(word: string, index: number): Step[] {
    const added: Step[] = [];
    let state = Automaton.START;
    for (let at = 0; at < word.length; at += 1) {
      const [from, unit] = [state, word.charCodeAt(at)];
      const known = this.#next.get(from * UNITS + unit);
      state = known ?? this.#depth.push(at + 1) - 1;
      if (known !== undefined) continue;
      this.#next.set(from * UNITS + unit, state);
      added.push({ from, unit, to: state });
    }
    this.#ends.set(state, [...this.wordsAt(state), index]);
    return added;
  }

  #link({ from, unit, to }: Step): void {
    const fallback = from === Automaton.START ? from : this.step(this.#fallback[from] ?? Automaton.START, unit);
    this.#fallback[to] = fallback;
    const shorter = this.wordsAt(fallback);
    if (shorter.length > 0) this.#ends.set(to, [...this.wordsAt(to), ...shorter]);
  }
}

interface Step {
  from: number;
  unit: number;
  to: number;
}

const NONE: readonly number[] = [];
