import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { MARK, Redaction, Redactor } from "./redactor.ts";

/** Secrets of any text; one that holds the mark could be put together by it. */
const secret = fc
  .oneof(
    fc.string({ minLength: 8, maxLength: 40 }),
    fc.string({ unit: "binary", minLength: 8, maxLength: 20 }),
    fc.constantFrom(
      "aaaaaaaaaaaa",
      "abababababab",
      'pa"ss\\word\n1',
      "grüße 😀 an alle",
      "x".repeat(700),
      "p@ss w/rd+=&?%",
      "<p>'ss'&/w+rd</p>ü",
    ),
  )
  .filter((text) => text.length >= 8 && text.isWellFormed() && !text.includes("*"));

function inUnicode(text: string, units: RegExp): string {
  return JSON.stringify(text).replaceAll(units, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function inPercents(text: string, units: RegExp): string {
  return text.replaceAll(units, (unit) => `%${unit.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** How a secret may be written into a text, by encoders that are not ours. */
const ENCODERS: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => JSON.stringify({ key: text }),
  (text) => JSON.stringify({ deep: JSON.stringify([text]) }),
  // As Go, PHP and .NET write JSON, and Python a path.
  (text) => inUnicode(text, /[<>&\u2028\u2029]/g),
  (text) => inUnicode(text, /[^\0-\x7f]/g).replaceAll("/", "\\/"),
  (text) => inUnicode(text, /[<>&'+`]|[^\0-\x7f]/g).replaceAll(/(?<=\\u)[0-9a-f]{4}/g, (code) => code.toUpperCase()),
  (text) => inPercents(encodeURIComponent(text), /[!'()*]/g).replaceAll("%2F", "/"),
  encodeURIComponent,
  (text) => encodeURIComponent(text).replaceAll(/%../g, (code) => code.toLowerCase()),
  (text) => new URLSearchParams({ q: text }).toString(),
  (text) => Buffer.from(text).toString("base64"),
  (text) => Buffer.from(`u:${text}@`).toString("base64"),
  (text) => Buffer.from(`user=${text};`).toString("base64url"),
  (text) => encodeURIComponent(Buffer.from(`?${text}?`).toString("base64")),
];

const encoded = (values: readonly string[]) =>
  fc.tuple(fc.constantFrom(...values), fc.constantFrom(...ENCODERS)).map(([value, encode]) => encode(value));

/** Texts that are full of secrets, of halves of them, and of what begins like one. */
const text = (values: readonly string[]) =>
  fc
    .array(
      fc.oneof(
        fc.string({ maxLength: 10 }),
        encoded(values),
        encoded(values).map((whole) => whole.slice(0, Math.ceil(whole.length / 2))),
        fc.constantFrom(
          "ghp_",
          "sk-ant-api03-",
          "A".repeat(20),
          "://u:",
          "@host/",
          "-----BEGIN PRIVATE KEY-----",
          "Bearer ",
        ),
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join(""));

const secretsAndText = fc
  .array(secret, { minLength: 1, maxLength: 4 })
  .chain((secrets) => fc.tuple(fc.constant(secrets), text(secrets)));

test("however a text is cut, what comes of its chunks is what comes of the whole, and little is held back", () => {
  fc.assert(
    fc.property(secretsAndText, fc.array(fc.nat(300)), ([secrets, whole], lengths) => {
      const redactor = new Redactor(secrets);
      const redaction = new Redaction(redactor);
      let out = "";
      let rest = whole;
      for (const length of lengths) {
        out += redaction.write(rest.slice(0, length));
        rest = rest.slice(length);
      }
      out += redaction.write(rest) + redaction.end();
      assert.equal(out, redactor.redact(whole));
    }),
    { numRuns: 300 },
  );
});

test("no secret survives, in whichever encoding and among whatever", () => {
  fc.assert(
    fc.property(secretsAndText, ([secrets, whole]) => {
      const out = new Redactor(secrets).redact(whole);
      const plain = [out, unescaped(out), unquoted(out), ...base64Texts(out)];
      for (const value of secrets) {
        for (const shown of plain)
          assert.ok(!shown.includes(value), `${JSON.stringify(value)} in ${JSON.stringify(out)}`);
      }
    }),
    { numRuns: 300 },
  );
});

test("what holds no secret stays as it is", () => {
  const redactor = new Redactor(["correct horse battery staple", "short", ""]);
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (harmless) => {
      fc.pre(!/:\/\/|bearer|basic/i.test(harmless));
      assert.equal(redactor.redact(harmless), harmless);
    }),
  );
  for (const harmless of [
    "the task of makima/goal/task-name-0123456789abcdef is short",
    "https://example.com:8080/a@b?c=d",
    "postgres://user@db.example/makima",
    "Basic usage: run it. Bearer of news",
    "AKIA is a prefix, and so is ghp_ and eyJhbGciOi",
    "0123456789abcdef0123456789abcdef01234567",
  ]) {
    assert.equal(redactor.redact(harmless), harmless);
  }
});

test("what looks like a secret goes, known or not", () => {
  const redactor = new Redactor([]);
  const long = "Abcd1234".repeat(8);
  const body = `${long}\n${long}\n`;
  const cases: [string, string][] = [
    [`key mk_task_${long.slice(0, 43)}.`, `key ${MARK}.`],
    [`"sk-ant-api03-${long}-AA"`, `"${MARK}"`],
    [`ghp_${long.slice(0, 36)}, github_pat_11${long}`, `${MARK}, ${MARK}`],
    ["id AKIAIOSFODNN7EXAMPLE!", `id ${MARK}!`],
    ["xoxb-123456789012-abcdef", MARK],
    [`eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${long}`, MARK],
    [`authorization: Bearer ${long}\nnext`, `authorization: ${MARK}\nnext`],
    [
      "postgres://me:s3cret@db/makima and http://u:p@ss@host",
      `postgres://me:${MARK}@db/makima and http://u:${MARK}@host`,
    ],
    ["https://hooks.slack.com/services/T0000/B0000/XXXX?", `https://${MARK}?`],
    [`-----BEGIN RSA PRIVATE KEY-----\n${body}-----END RSA PRIVATE KEY-----\nnext`, `${MARK}\nnext`],
    [JSON.stringify(`-----BEGIN PRIVATE KEY-----\n${body}-----END PRIVATE KEY-----`), `"${MARK}"`],
    [`-----BEGIN PRIVATE KEY-----\n${body}"torn"`, `${MARK}"torn"`],
  ];
  for (const [given, expected] of cases) assert.equal(redactor.redact(given), expected);
});

test("a flood is redacted in one pass, and what is held back is bounded, whatever comes", () => {
  const redactor = new Redactor(["a".repeat(600), `${"ab".repeat(300)}c`]);
  const size = 300_000;
  for (const unit of ["a", "ab", "ghp_", "://u:p", "eyJhbGciOi", "-----BEGIN PRIVATE KEY-----", "sk-ant-AKIAxoxb-"]) {
    const redaction = new Redaction(redactor);
    const flood = unit.repeat(Math.ceil(size / unit.length));
    const out = redaction.write(flood);
    const held = redaction.end();
    assert.ok(held.length < 10_000, `${unit}: ${held.length} held back`);
    assert.ok(out.length + held.length <= flood.length + MARK.length);
  }
});

function unescaped(out: string): string {
  return out.replaceAll(
    /\\(?:u([0-9a-fA-F]{4})|x([0-9a-f]{2})|(["\\/nrtbf]))/g,
    (_, u: string, x: string, char: string) =>
      char === undefined ? String.fromCharCode(Number.parseInt(u ?? x, 16)) : (ESCAPES[char] ?? char),
  );
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f" };

function unquoted(out: string): string {
  return out
    .replaceAll("+", " ")
    .replaceAll(/(?:%[0-9a-fA-F]{2})+/g, (codes) => Buffer.from(codes.replaceAll("%", ""), "hex").toString("utf8"));
}

/** Every stretch of base64 digits, read from each of the four places where it may begin. */
function base64Texts(out: string): string[] {
  const digits = out.match(/[A-Za-z0-9+/_-]{8,}/g) ?? [];
  return digits.flatMap((run) => [0, 1, 2, 3].map((skip) => Buffer.from(run.slice(skip), "base64").toString("utf8")));
}
