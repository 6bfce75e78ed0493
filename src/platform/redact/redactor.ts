import { Automaton } from "./automaton.ts";
import { encodingsOf } from "./encodings.ts";
import { SHAPES } from "./shapes.ts";
import type { Shape, TokenShape, UrlShape } from "./shapes.ts";

/** Stands for what was removed. */
export const MARK = "***";

/** Longest user name and password in a URL (units): a text is held back by no more. */
const LONGEST_USERINFO = 512;

/** A word to look for: a secret in one of its forms, or what begins or ends something of a shape. */
type Meaning =
  | { kind: "secret"; length: number }
  | { kind: "start"; shape: number; length: number }
  | { kind: "end"; shape: number };

/** What has begun like a secret of a shape. */
interface Candidate {
  shape: number;
  /** Where it began. */
  from: number;
  /** Units since its beginning. */
  count: number;
  /** Of a URL: where the password begins; null: not yet. */
  password: number | null;
}

/**
 * Removes secrets from texts: those that it is given, in all their encodings, and whatever looks like one. Every
 * character that is part of any occurrence goes, and each run of such characters becomes one mark. Linear in the text.
 */
export class Redactor {
  readonly automaton: Automaton;
  readonly meanings: readonly Meaning[];

  constructor(secrets: Iterable<string>) {
    const forms = new Set([...secrets].flatMap((secret) => [...encodingsOf(secret)]));
    const words: [string, Meaning][] = [...forms].map((form) => [form, { kind: "secret", length: form.length }]);
    SHAPES.forEach(({ starts, ...rest }, shape) => {
      for (const start of starts) words.push([start, { kind: "start", shape, length: start.length }]);
      for (const end of ("ends" in rest ? rest.ends : undefined) ?? []) words.push([end, { kind: "end", shape }]);
    });
    this.automaton = new Automaton(words.map(([word]) => word));
    this.meanings = words.map(([, meaning]) => meaning);
  }

  redact(text: string): string {
    const redaction = new Redaction(this);
    return redaction.write(text) + redaction.end();
  }
}

/**
 * The same for a text that comes in chunks: however it is cut, the results joined are those of the whole. What may yet
 * turn out to be part of a secret is held back, a bounded amount whatever comes.
 */
export class Redaction {
  readonly #redactor: Redactor;
  #state = Automaton.START;
  /** Position in the whole text of the first unit that was not given out, and all units since. */
  #start = 0;
  #held = "";
  /** What is to be removed of it: spans in order, none touching the next. */
  #covered: { from: number; to: number }[] = [];
  #candidates: Candidate[] = [];
  /** Whether the last unit that was given out was part of a secret. */
  #marked = false;

  constructor(redactor: Redactor) {
    this.#redactor = redactor;
  }

  /** Whether everything was given out, and nothing has begun that could go on. */
  get idle(): boolean {
    return this.#held === "" && this.#candidates.length === 0 && this.#state === Automaton.START;
  }

  write(chunk: string): string {
    const base = this.#start + this.#held.length;
    this.#held += chunk;
    for (let index = 0; index < chunk.length; index += 1) this.#take(base + index, chunk, index);
    return this.#release(this.#undecidedFrom(base + chunk.length));
  }

  /** The rest. */
  end(): string {
    return this.#release(this.#start + this.#held.length);
  }

  #take(at: number, chunk: string, index: number): void {
    const { automaton, meanings } = this.#redactor;
    this.#state = automaton.step(this.#state, chunk.charCodeAt(index));
    if (this.#candidates.length > 0) {
      const char = chunk.charAt(index);
      this.#candidates = this.#candidates.filter((candidate) => this.#goesOn(candidate, char, at));
    }
    for (const word of automaton.wordsAt(this.#state)) {
      const meaning = meanings[word];
      if (meaning !== undefined) this.#found(meaning, at + 1);
    }
  }

  #found(meaning: Meaning, end: number): void {
    if (meaning.kind === "secret") return this.#cover(end - meaning.length, end);
    const { shape } = meaning;
    if (meaning.kind === "end") {
      this.#candidates = this.#candidates.filter((candidate) => candidate.shape !== shape);
    } else if (!this.#candidates.some((candidate) => candidate.shape === shape)) {
      // One that began earlier covers whatever a later one would.
      this.#candidates.push({ shape, from: end - meaning.length, count: 0, password: null });
    }
  }

  /** Takes one more unit into a candidate; false: it has ended before it. */
  #goesOn(candidate: Candidate, char: string, at: number): boolean {
    const shape = SHAPES[candidate.shape];
    candidate.count += 1;
    if (shape === undefined) return false;
    return isUrl(shape) ? this.#inUrl(candidate, shape, char, at) : this.#inToken(candidate, shape, char, at);
  }

  #inToken(candidate: Candidate, { body, atLeast }: TokenShape, char: string, at: number): boolean {
    if (!body.test(char)) return false;
    if (candidate.count >= atLeast) this.#cover(candidate.from, at + 1);
    return true;
  }

  #inUrl(candidate: Candidate, { stops }: UrlShape, char: string, at: number): boolean {
    if (stops.test(char) || candidate.count > LONGEST_USERINFO) return false;
    if (char === ":") candidate.password ??= at + 1;
    if (char === "@" && candidate.password !== null) this.#cover(candidate.password, at);
    return true;
  }

  #cover(from: number, to: number): void {
    const span = { from, to };
    for (let last = this.#covered.at(-1); last !== undefined && last.to >= span.from; last = this.#covered.at(-1)) {
      span.from = Math.min(span.from, last.from);
      span.to = Math.max(span.to, last.to);
      this.#covered.pop();
    }
    this.#covered.push(span);
  }

  /** Where what may still be covered begins. */
  #undecidedFrom(end: number): number {
    const covered = this.#covered.at(-1);
    const open = this.#candidates.map(({ shape, from, password }) => {
      if (isUrl(SHAPES[shape])) return password ?? end;
      return covered !== undefined && covered.from <= from && covered.to === end ? end : from;
    });
    return Math.min(end - this.#redactor.automaton.depth(this.#state), ...open);
  }

  /** Gives out what lies before `end`. */
  #release(end: number): string {
    if (end <= this.#start) return "";
    let out = "";
    let at = this.#start;
    while (at < end) {
      const [span] = this.#covered;
      const plainTo = Math.min(end, span?.from ?? end);
      if (plainTo > at) {
        out += this.#held.slice(at - this.#start, plainTo - this.#start);
        this.#marked = false;
        at = plainTo;
      }
      if (span === undefined || at >= end) continue;
      if (!this.#marked) out += MARK;
      this.#marked = true;
      at = Math.min(end, span.to);
      if (span.to <= end) this.#covered.shift();
      else span.from = end;
    }
    this.#held = this.#held.slice(end - this.#start);
    this.#start = end;
    return out;
  }
}

function isUrl(shape: Shape | undefined): shape is UrlShape {
  return shape?.kind === "url";
}
