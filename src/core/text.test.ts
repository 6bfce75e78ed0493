import fc from "fast-check";
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { AnsiStripper, digest, escapeForTerminal, fileSize, stripAnsi, tail } from "./text.ts";

suite("stripAnsi", () => {
  const texts: [string, string, string][] = [
    ["colours", "\x1b[1;31mred\x1b[0m", "red"],
    ["cursor movement", "a\x1b[2K\x1b[1Gb", "ab"],
    ["titles ended by BEL", "\x1b]0;title\x07text", "text"],
    ["links ended by ST", "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"],
    ["character sets and two-character escapes", "\x1b(Ba\x1b7b\x1bc", "ab"],
    ["a title that never ends, up to its line", "a\x1b]0;title\nb", "a\nb"],
    ["a broken sequence, up to what is none of it", "a\x1b[31\nb", "a\nb"],
    ["an unfinished sequence at the end", "a\x1b[3", "a"],
    ["nothing", "plain", "plain"],
  ];
  for (const [name, text, expected] of texts) {
    test(`removes ${name}`, () => assert.equal(stripAnsi(text), expected));
  }

  test("chunking never matters", () => {
    const part = fc.constantFrom("\x1b", "[", "]", "3", "1m", "\\", "\x07", "\n", "text", "(", "B", ";");
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const stripper = new AnsiStripper();
        assert.equal(parts.map((chunk) => stripper.strip(chunk)).join(""), stripAnsi(parts.join("")));
      }),
      { numRuns: 1000 },
    );
  });
});

suite("escapeForTerminal", () => {
  test("shows control characters and bidirectional overrides", () => {
    assert.equal(escapeForTerminal("a\x1b[2J\x07\x9b\u202eb\t\x7f"), "a\\x1b[2J\\x07\\x9b\\u202eb\t\\x7f");
  });

  test("keeps line ends where asked to", () => {
    assert.equal(escapeForTerminal("a\r\nb\nc\rd"), "a\\x0d\\nb\\nc\\x0dd");
    assert.equal(escapeForTerminal("a\r\nb\nc\rd", { keepNewlines: true }), "a\nb\nc\\x0dd");
  });

  test("leaves nothing that a terminal obeys", () => {
    const unit = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("\x1b[31m", "\u2066", "\x85", "\r\n"));
    fc.assert(
      fc.property(fc.array(unit), (parts) => {
        const escaped = escapeForTerminal(parts.join(""));
        assert.doesNotMatch(escaped, /[\p{Bidi_Control}\p{Zl}\p{Zp}]/u);
        assert.doesNotMatch(escaped.replaceAll("\t", ""), /\p{Cc}/u);
      }),
    );
  });
});

suite("tail", () => {
  test("marks a cut and splits no character", () => {
    assert.equal(tail("abcdef", 6), "abcdef");
    assert.equal(tail("abcdef", 4), "…def");
    assert.equal(tail("ab😀d", 3), "…d");
    assert.equal(tail("ab😀d", 4), "…😀d");
    assert.equal(tail("abc", 1), "…");
    assert.equal(tail("abc", 0), "");
  });

  test("is never longer than asked for", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.nat({ max: 30 }), (text, max) => tail(text, max).length <= max),
    );
  });
});

test("digest tells texts apart and is short", () => {
  const texts = Array.from({ length: 10_000 }, (_, index) => `text ${index}`);
  assert.equal(new Set(texts.map(digest)).size, texts.length);
  assert.match(digest(""), /^[0-9a-f]{22}$/);
});

test("sizes have their unit", () => {
  const shown = [0, 999, 1000, 307_200, 9_999_999, 12_345_678, 5e15].map(fileSize);
  assert.deepEqual(shown, ["0 B", "999 B", "1.0 kB", "307 kB", "10.0 MB", "12 MB", "5000 TB"]);
});
