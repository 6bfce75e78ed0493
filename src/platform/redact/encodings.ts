/** What is shorter is hardly a secret, and would blacken half of every text (UTF-16 units). */
const SHORTEST = 8;

/** A longer secret is looked for in pieces of this size, so that a text is held back by a bounded amount (characters). */
const PIECE = 256;

/**
 * Every form in which a secret is looked for: as it is, escaped for JSON (also twice: JSON within JSON) and for a
 * terminal, URL-encoded, and in base64 (also URL-encoded) wherever in the encoded text it stands. Empty for what is too
 * short to be told from other text.
 */
export function encodingsOf(secret: string): ReadonlySet<string> {
  const forms = piecesOf(secret.toWellFormed()).flatMap((piece) => {
    const base64 = base64Forms(piece);
    return [...escapedForms(piece), ...urlForms(piece), ...base64, ...base64.flatMap(urlForms)];
  });
  return new Set(forms.filter(({ length }) => length >= SHORTEST));
}

/** Cut between characters, never within one. */
function piecesOf(secret: string): string[] {
  if (secret.length < SHORTEST) return [];
  const chars = Array.from(secret);
  // The last piece is a whole one too: a short rest would tell nothing.
  const starts = Array.from({ length: Math.ceil(chars.length / PIECE) }, (_, index) =>
    Math.max(0, Math.min(index * PIECE, chars.length - PIECE)),
  );
  return starts.map((start) => chars.slice(start, start + PIECE).join(""));
}

/** Encoders of JSON differ in what they escape beyond what they must, and in the case of what they write. */
function escapedForms(text: string): string[] {
  const json = inJson(text);
  const ascii = unicodeEscaped(json, /[^\0-\x7f]/g);
  const ofPhp = ascii.replaceAll("/", "\\/");
  const ofGo = unicodeEscaped(json, /[<>&\u2028\u2029]/g);
  const ofDotNet = unicodeEscaped(json, /[<>&'+`]|[^\0-\x7f]/g);
  const escaped = [json, ascii, ofPhp, ofGo, ofDotNet];
  const upper = escaped.map((form) =>
    form.replaceAll(/\\u[0-9a-f]{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`),
  );
  const terminal = text.replaceAll(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
  return [text, ...escaped, ...upper, inJson(json), terminal];
}

function unicodeEscaped(json: string, units: RegExp): string {
  return json.replaceAll(units, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Encoders differ in what they leave as it is, and in the case of what they write. */
function urlForms(text: string): string[] {
  const component = encodeURIComponent(text);
  const strict = component.replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const inForm = new URLSearchParams([["", text]]).toString().slice(1);
  // As Python writes it.
  const ofPath = strict.replaceAll("%2F", "/");
  const forms = [component, strict, ofPath, encodeURI(text), component.replaceAll("%20", "+"), inForm];
  const lower = forms.map((form) => form.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()));
  return [...forms, ...lower];
}

/** The digits that the secret alone decides, after any number of bytes in front of it. */
function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text, "utf8");
  return [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]);
    const first = Math.ceil((before * 8) / 6);
    const end = Math.floor((whole.length * 8) / 6);
    return [whole.toString("base64").slice(first, end), whole.toString("base64url").slice(first, end)];
  });
}
