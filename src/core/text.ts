const ESC = "\x1b";

/** The text without ANSI escape sequences. Linear; an unfinished sequence at the end is removed too. */
export function stripAnsi(text: string): string {
  return new AnsiStripper().strip(text);
}

/**
 * Removes ANSI escapes from text that arrives in chunks, wherever a chunk ends: the concatenated results are the same
 * for every way of cutting. Keeps one word of state. Knows CSI, two- and three-character escapes, and the string
 * sequences (OSC, DCS, APC, PM, SOS); a string sequence ends with its line at the latest, so that one which is never
 * closed cannot swallow the rest of the output.
 */
export class AnsiStripper {
  #state: AnsiState = "text";

  strip(chunk: string): string {
    if (this.#state === "text" && !chunk.includes(ESC)) return chunk;
    let out = "";
    let keep = 0;
    for (let at = 0; at < chunk.length; at++) {
      if (this.#state === "text") {
        const escape = chunk.indexOf(ESC, at);
        if (escape < 0) break;
        out += chunk.slice(keep, escape);
        this.#state = "escape";
        at = escape;
        continue;
      }
      const next = nextState(this.#state, chunk.charCodeAt(at));
      if (next === "end") keep = at + 1;
      if (next === "text") keep = at;
      this.#state = next === "end" ? "text" : next;
    }
    return this.#state === "text" ? out + chunk.slice(keep) : out;
  }
}

/**
 * Makes text from an agent or a check safe to print on a terminal: control characters (C0, DEL, C1), line separators
 * and bidirectional overrides become visible escapes such as `\x1b`; tabs stay. With `keepNewlines` line ends stay too
 * (CRLF as LF), otherwise the result is one line.
 */
export function escapeForTerminal(text: string, options: { keepNewlines?: boolean } = {}): string {
  const lines = options.keepNewlines === true ? text.replaceAll("\r\n", "\n") : text;
  return lines.replace(UNSAFE, (char) => {
    if (char === "\n") return options.keepNewlines === true ? char : "\\n";
    const code = char.charCodeAt(0);
    return code <= 0xff ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`;
  });
}

/** The end of `text`, at most `maxChars` UTF-16 units; a cut is marked by an ellipsis and splits no character. */
export function tail(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  if (maxChars <= 0) return "";
  const start = text.length - (maxChars - 1);
  const first = text.charCodeAt(start);
  const splitsPair = first >= 0xdc00 && first <= 0xdfff;
  return `…${text.slice(splitsPair ? start + 1 : start)}`;
}

/**
 * A short key (22 hex digits) that tells texts apart where a collision costs little: not a cryptographic hash. Two
 * 32-bit FNV-1a passes with different seeds, and the length.
 */
export function digest(text: string): string {
  let low = 0x811c9dc5;
  let high = 0x9dc5811c;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x85ebca6b);
  }
  return hex(low, 8) + hex(high, 8) + hex(text.length, 6);
}

/** "307 kB": a size for people, in the unit that leaves one to three digits before the point. */
export function fileSize(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"] as const;
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.floor(value)} ${units[power]}`;
}

type AnsiState = "text" | "escape" | "csi" | "string" | "string-escape";

const BEL = 0x07;
const NEWLINE = 0x0a;
const ESCAPE = 0x1b;
const BACKSLASH = 0x5c;
/** `]`, `P`, `X`, `^` and `_`: OSC, DCS, SOS, PM, APC. */
const STRING_OPENERS = new Set([0x5d, 0x50, 0x58, 0x5e, 0x5f]);

/** C0 but the tab, DEL and C1, bidi marks, line separators, bidi overrides, bidi isolates. */
const UNSAFE = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** The state after one character of a sequence: "end" when it was the last one, "text" when it is not part of it. */
function nextState(state: Exclude<AnsiState, "text">, code: number): AnsiState | "end" {
  switch (state) {
    case "string":
      if (code === BEL) return "end";
      if (code === NEWLINE) return "text";
      return code === ESCAPE ? "string-escape" : "string";
    case "string-escape":
      return code === BACKSLASH ? "end" : nextState("escape", code);
    case "csi":
      if (code === ESCAPE) return "escape";
      if (code >= 0x20 && code <= 0x3f) return "csi";
      return code >= 0x40 && code <= 0x7e ? "end" : "text";
    case "escape":
      if (code === 0x5b) return "csi";
      if (STRING_OPENERS.has(code)) return "string";
      if (code === ESCAPE || (code >= 0x20 && code <= 0x2f)) return "escape";
      return code >= 0x30 && code <= 0x7e ? "end" : "text";
  }
}

function hex(value: number, width: number): string {
  return (value >>> 0).toString(16).padStart(width, "0");
}
