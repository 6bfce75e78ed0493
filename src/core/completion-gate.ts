import { AnsiStripper } from "./text.ts";

/** What an agent claims at the end of its work in a `<COMPLETION_GATE>` block. `extra` holds every unknown key. */
export interface Gate {
  ready: boolean;
  reason: string | null;
  progress: string | null;
  blockers: string[];
  extra: Record<string, unknown>;
}

/** The first completion gate in `text`, null where there is none. Never throws; linear in the length of the text. */
export function parse(text: string): Gate | null {
  const body = new BlockReader().read(text, "first");
  return body === null ? null : parseBody(body);
}

/** The last completion gate in `text`, null where there is none. Never throws; linear in the length of the text. */
export function parseLast(text: string): Gate | null {
  const scanner = new GateScanner();
  scanner.push(text);
  return scanner.last;
}

/** Finds the last gate of text that arrives in chunks, cut anywhere; memory is bounded by `MAX_BODY`. */
export class GateScanner {
  readonly #reader = new BlockReader();
  #body: string | null = null;

  push(chunk: string): void {
    this.#body = this.#reader.read(chunk, "last") ?? this.#body;
  }

  /** The last complete gate so far. Only this one is ever parsed: of a million hostile blocks, one costs. */
  get last(): Gate | null {
    return this.#body === null ? null : parseBody(this.#body);
  }
}

/**
 * Longest body of a block, in characters; a longer one is no gate. Real ones have a few hundred, and a gate has to fit
 * an event of the run's journal beside its verdict even when every character takes three bytes.
 */
export const MAX_BODY = 32 * 1024;

const START = "<COMPLETION_GATE>";
const END = "</COMPLETION_GATE>";
const SLASH = 0x2f;

/** A block's body: pieces of earlier chunks, then a range of the present one. */
interface Found {
  pieces: string[];
  from: number;
  to: number;
}

/**
 * Finds the bodies of complete blocks. A block is an end tag and the nearest start tag before it, so that a start tag
 * which was only mentioned, or never closed, does not swallow the real block. What lies before cannot change what is
 * found behind, hence chunking never matters.
 */
class BlockReader {
  readonly #ansi = new AnsiStripper();
  readonly #tag = /<\/?COMPLETION_GATE>/g;
  /** The end of the text so far, as far as it may be the beginning of a tag. */
  #carry = "";
  /** Pieces of the open block's body; null outside of a block. */
  #open: string[] | null = null;
  #openLength = 0;

  /** The first or last body that is completed by `chunk`; null when it completes none. */
  read(chunk: string, which: "first" | "last"): string | null {
    const text = this.#carry + this.#ansi.strip(chunk);
    let found: Found | null = null;
    let from = 0;
    this.#tag.lastIndex = 0;
    while (this.#tag.test(text)) {
      const behind = this.#tag.lastIndex;
      if (text.charCodeAt(behind - START.length) === SLASH) {
        found = this.#finish(from, behind - END.length) ?? found;
        if (found !== null && which === "first") break;
      } else {
        if (this.#open === null || this.#openLength > 0) this.#open = [];
        this.#openLength = 0;
      }
      from = behind;
    }
    const held = text.length - partialTagLength(text);
    this.#keep(text, from, held);
    this.#carry = text.slice(held);
    return found === null ? null : found.pieces.join("") + text.slice(found.from, found.to);
  }

  #finish(from: number, to: number): Found | null {
    const pieces = this.#open;
    this.#open = null;
    return pieces === null || this.#openLength + to - from > MAX_BODY ? null : { pieces, from, to };
  }

  #keep(text: string, from: number, to: number): void {
    if (this.#open === null || to === from) return;
    this.#openLength += to - from;
    if (this.#openLength > MAX_BODY) this.#open = null;
    else this.#open.push(text.slice(from, to));
  }
}

/** Length of the longest end of `text` that a later chunk could complete to a tag. */
function partialTagLength(text: string): number {
  const end = text.slice(1 - END.length);
  const at = end.lastIndexOf("<");
  if (at < 0) return 0;
  const candidate = end.slice(at);
  return START.startsWith(candidate) || END.startsWith(candidate) ? candidate.length : 0;
}

function parseBody(body: string): Gate {
  const content = body.trim();
  const fields = (content.startsWith("{") ? readJson(content) : null) ?? readLines(content);
  const take = (key: string): unknown => {
    const value = fields.get(key)?.value;
    fields.delete(key);
    return value;
  };
  return {
    ready: take("ready") === true,
    reason: toText(take("reason")),
    progress: toText(take("progress")),
    blockers: toList(take("blockers")),
    // fromEntries defines own properties: `__proto__` is a key like any other.
    extra: Object.fromEntries(Array.from(fields.values(), ({ key, value }) => [key, value])),
  };
}

/** Fields by lower-case key: keys are case-insensitive, the last of several wins, and `extra` shows it as written. */
type Fields = Map<string, { key: string; value: unknown }>;

/** null when the content is not a JSON object with a boolean `ready`. */
function readJson(content: string): Fields | null {
  const parsed = parseJson(content);
  if (parsed === undefined || parsed === null || typeof parsed !== "object") return null;
  const fields: Fields = new Map();
  for (const [key, value] of Object.entries(parsed)) setField(fields, key.trim(), value);
  return typeof fields.get("ready")?.value === "boolean" ? fields : null;
}

function readLines(content: string): Fields {
  const lines = content.split("\n").map((line) => line.trim());
  const fields: Fields = new Map();
  for (let at = 0; at < lines.length;) {
    const line = lines[at] ?? "";
    const colon = line.indexOf(":");
    const key = line.slice(0, Math.max(colon, 0)).trim();
    const field = readField(key.toLowerCase(), line.slice(colon + 1).trim(), lines, at + 1);
    if (key !== "") setField(fields, key, field.value);
    at = field.next;
  }
  return fields;
}

function setField(fields: Fields, key: string, value: unknown): void {
  fields.set(key.toLowerCase(), { key, value });
}

/** A value and the index of the first line behind it. */
interface Field {
  value: unknown;
  next: number;
}

function readField(key: string, text: string, lines: readonly string[], next: number): Field {
  switch (key) {
    case "ready":
      return { value: isTrue(unquote(text)), next };
    case "reason":
    case "progress":
      return { value: unquote(text), next };
    case "blockers":
      return readBlockers(text, lines, next);
    default: {
      const value = parseJson(text);
      return { value: value === undefined ? unquote(text) : value, next };
    }
  }
}

/** To the letter of the format: `true` in any case, but `yes` and `1` as they stand. A doubtful claim is no claim. */
function isTrue(value: string): boolean {
  return value.toLowerCase() === "true" || value === "yes" || value === "1";
}

function readBlockers(text: string, lines: readonly string[], next: number): Field {
  if (text === "") return readBlockList(lines, next);
  if (!text.startsWith("[")) return { value: unquote(text), next };
  const array = parseJson(text);
  return array === undefined ? readSpreadArray(text, lines, next) : { value: array, next };
}

function readBlockList(lines: readonly string[], next: number): Field {
  let end = next;
  while (isListLine(lines[end])) end++;
  const items = lines.slice(next, end).filter((line) => line !== "");
  return { value: items.map((line) => unquote(line.slice(1).trim())), next: end };
}

function isListLine(line: string | undefined): boolean {
  return line !== undefined && (line === "" || line.startsWith("-"));
}

/** Bounds the look-ahead for an array's end: without it, many arrays that are never closed would cost their square. */
const MAX_ARRAY_LINES = 100;

/** A JSON array that was written over several lines; where that does not parse, the first line is one string. */
function readSpreadArray(text: string, lines: readonly string[], next: number): Field {
  const following = lines.slice(next, next + MAX_ARRAY_LINES);
  const end = following.findIndex((line) => line.endsWith("]")) + 1;
  const array = parseJson([text, ...following.slice(0, end)].join("\n"));
  return array === undefined ? { value: text, next } : { value: array, next: next + end };
}

function unquote(text: string): string {
  const quoted = text.length >= 2 && /^["']/.test(text) && text[0] === text.at(-1);
  return quoted ? text.slice(1, -1) : text;
}

function toText(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === "string" ? value : JSON.stringify(value);
}

function toList(value: unknown): string[] {
  const items = Array.isArray(value) ? value : [value];
  return items.map((item) => toText(item) ?? "").filter((item) => item !== "");
}

/** undefined when the text is no JSON, or is nested too deeply. */
function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isTooDeep(value) ? undefined : value;
  } catch {
    return undefined;
  }
}

const MAX_DEPTH = 64;

/** Whoever serialises a value recurses into it: one that is nested without end would overflow their stack. */
function isTooDeep(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; depth <= MAX_DEPTH; depth++) {
    level = level.flatMap((item) => (typeof item === "object" && item !== null ? Object.values(item) : []));
    if (level.length === 0) return false;
  }
  return true;
}
