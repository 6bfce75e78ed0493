/** Most levels of brackets in a body: no request needs more than a few, and whoever walks it recurses once for each. */
const MAX_DEPTH = 64;

/**
 * A string, with the colon that makes it a key, or a bracket. A string that does not end reaches to the end of the text:
 * were it no match, the scan would go back to its second character, and so on, in quadratic time.
 */
const TOKEN = /("[^"\\]*(?:\\.[^"\\]*)*"?)([ \t\n\r]*:)?|[[\]{}]/gs;

/**
 * What JSON.parse would let pass: nesting beyond MAX_DEPTH, and an object that names a key twice, of which it would take
 * the last. One linear pass over the text before anything is built from it; null for what is fine. Of a text that is no
 * JSON it may say anything.
 */
export function jsonProblem(json: string): string | null {
  const open: (Set<string> | null)[] = [];
  for (const [token, string, colon] of json.matchAll(TOKEN)) {
    if (string !== undefined) {
      if (colon !== undefined && isRepeated(open.at(-1), string)) return "The body names a key twice in one object";
    } else if (token === "]" || token === "}") {
      open.pop();
    } else {
      if (open.length >= MAX_DEPTH) return "The body is nested too deeply";
      open.push(token === "{" ? new Set() : null);
    }
  }
  return null;
}

function isRepeated(seen: Set<string> | null | undefined, string: string): boolean {
  const key = string.includes("\\") ? unescaped(string) : string.slice(1, -1);
  if (seen?.has(key) === true) return true;
  seen?.add(key);
  return false;
}

/** "a" and "\u0061" are the same key. What is not a JSON string will be refused by the parser. */
function unescaped(string: string): string {
  try {
    return String(JSON.parse(string));
  } catch {
    return string;
  }
}
