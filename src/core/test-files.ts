/**
 * Whether a path is a test by the conventions of its language (JavaScript and TypeScript, Python, Go, Rust, Ruby, Java
 * and Kotlin, PHP), or a Rust source with tests inside.
 */
export function isTestFile(path: string, text: string): boolean {
  const language = languageOf(path);
  if (language === null) return false;
  return IN_TEST_FOLDER.test(path) || language.name.test(path) || (language.inside?.test(text) ?? false);
}

/** Tests that a file declares, counted by their heads at the beginning of a line: commented out ones do not count. */
export function countDeclaredTests(path: string, text: string): number {
  return count(languageOf(path)?.declares, text);
}

/** Marks in a file that keep a test from running: the test's own (`skip`, `@Disabled`), or another's (`only`). */
export function countSkips(path: string, text: string): number {
  return count(languageOf(path)?.skips, text);
}

interface Language {
  extension: RegExp;
  /** Paths that are tests wherever they lie. */
  name: RegExp;
  /** Text that makes any file of the language a test. */
  inside?: RegExp;
  declares: readonly RegExp[];
  skips: readonly RegExp[];
}

const IN_TEST_FOLDER = /(?:^|\/)(?:tests?|specs?|__tests__|e2e)\//;

/** Every repetition in these is bounded or starts at a line's beginning, so that counting is linear. */
const LANGUAGES: readonly Language[] = [
  {
    extension: /\.[cm]?[jt]sx?$/,
    name: /[._-](?:test|spec|e2e|cy)\.[cm]?[jt]sx?$|(?:^|\/)test\.[cm]?[jt]sx?$/,
    declares: [
      /^[ \t]*(?:await )?(?:x?(?:it|test|describe)|f(?:it|describe)|suite|specify)(?:\.\w{1,20}){0,3}[ \t]*[(`]/gm,
      /^[ \t]*Deno\.test\(/gm,
    ],
    skips: [
      /\b(?:describe|it|test|suite|context|specify)(?:\.\w{1,20}){0,2}\.(?:skip|todo|only|fails|failing)\b/g,
      /\b(?:describe|it|test|suite)\.(?:skipIf|runIf|fixme|ignore)\b/g,
      /(?<![.\w])(?:x(?:it|test|describe|context|specify)|f(?:it|describe|context))[ \t]*\(/g,
      /\b(?:t|this|ctx)\.(?:skip|todo)\(/g,
      /\b(?:skip|todo|only)[ \t]{0,4}:[ \t]{0,4}(?:true\b|["'`])/g,
    ],
  },
  {
    extension: /\.py$/,
    name: /(?:^|\/)test_[^/]*\.py$|_test\.py$|(?:^|\/)tests\.py$/,
    declares: [/^[ \t]*(?:async )?def test/gm],
    skips: [
      /\bpytest\.(?:mark\.(?:skip|skipif|xfail)\b|skip\(|importorskip\(|xfail\()/g,
      /@(?:unittest\.)?(?:skip(?:If|Unless)?|expectedFailure)\b/g,
      /\bself\.skipTest\(|\braise (?:unittest\.)?SkipTest\b|\b__test__ = False/g,
    ],
  },
  {
    extension: /\.go$/,
    name: /_test\.go$/,
    declares: [/^func (?:Test|Fuzz|Example)/gm],
    skips: [/\b[tbf]\.Skip(?:f|Now)?\(/g, /^\/\/go:build ignore/gm],
  },
  {
    extension: /\.rs$/,
    name: /(?:^|\/)tests\.rs$/,
    inside: /#\[(?:\w{1,40}::)?test\b/,
    declares: [/^[ \t]*#\[(?:\w{1,40}::)?test\b/gm],
    skips: [/#\[(?:cfg_attr\([^\])]{1,80},[ \t]*)?ignore\b/g],
  },
  {
    extension: /\.rb$/,
    name: /_(?:spec|test)\.rb$|(?:^|\/)test_[^/]*\.rb$/,
    declares: [/^[ \t]*(?:[xf]?(?:it|specify|describe|context)|def test_\w{1,80}|test)\b/gm],
    skips: [/^[ \t]*(?:[xf](?:it|specify|describe|context)|skip|pending)\b/gm, /\b(?:skip|pending|focus): (?!false)/g],
  },
  {
    extension: /\.(?:java|kt)$/,
    name: /(?:Tests?|IT|Spec)\.(?:java|kt)$/,
    declares: [
      /^[ \t]*@(?:Test|ParameterizedTest|RepeatedTest|TestFactory|Property)\b/gm,
      /^[ \t]*(?:public )?void test/gm,
    ],
    skips: [/@(?:Disabled\w{0,40}|Ignore)\b/g, /\bassumeTrue\(false|\bthrow new SkipException\b/g],
  },
  {
    extension: /\.php$/,
    name: /Test\.php$/,
    declares: [/^[ \t]*(?:public )?function test/gm, /@test\b|#\[Test\]/g, /^[ \t]*(?:it|test)\(/gm],
    skips: [/\bmarkTest(?:Skipped|Incomplete)\(/g, /->(?:skip|todo|only)\(/g],
  },
];

function languageOf(path: string): Language | null {
  return LANGUAGES.find((language) => language.extension.test(path)) ?? null;
}

function count(patterns: readonly RegExp[] | undefined, text: string): number {
  return (patterns ?? []).reduce((sum, pattern) => sum + (text.match(pattern)?.length ?? 0), 0);
}
