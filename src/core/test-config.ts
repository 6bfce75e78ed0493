/** Whether a file of this name does nothing but configure test runners, or is loaded by one before every test. */
export function isRunnerConfig(name: string): boolean {
  return RUNNER_CONFIGS.some((pattern) => pattern.test(name));
}

const RUNNER_CONFIGS = [
  /^(?:vitest|jest|ava|karma|playwright|cypress|wdio|web-test-runner)\.(?:config|conf|workspace)\.\w{2,4}$/,
  /^\.mocharc(?:\.\w{2,5})?$/,
  /^\.(?:taprc|rspec)$/,
  /^(?:pytest\.ini|\.pytest\.ini|tox\.ini|conftest\.py|noxfile\.py)$/,
  /^(?:spec_helper|rails_helper|test_helper)\.rb$/,
  /^phpunit\.xml(?:\.dist)?$/,
  /^(?:nextest\.toml|junit-platform\.properties)$/,
];

/** The sections of a shared configuration file that steer a test runner: name to text. Empty for any other file. */
export function sectionsOf(name: string, text: string): Map<string, string> {
  const wanted = SECTIONS.get(name);
  return wanted === undefined
    ? new Map()
    : split(text, /^\[{1,2}([^\]\n]{1,100})\]/, (section) => wanted.test(section));
}

const SECTIONS = new Map([
  ["pyproject.toml", /^tool\.(?:pytest|tox|hatch\.envs|nox)\b/],
  ["setup.cfg", /^tool:pytest$/],
  ["Cargo.toml", /^(?:test|profile\.test|lib)$/],
]);

/** The test targets of a Makefile or justfile: name to recipe. Empty for any other file. */
export function testTargets(name: string, text: string): Map<string, string> {
  if (!/^(?:GNU)?[Mm]akefile$|\.mk$|^\.?[Jj]ustfile$/.test(name)) return new Map();
  return split(text, /^([\w.-]{1,100})[^:=\n]{0,100}:(?!=)/, (target) =>
    /(?:^|[-_.])(?:test|check|verify)/.test(target),
  );
}

/** What of a package.json tests depend on: test scripts, and the settings of runners. */
export interface PackageTests {
  scripts: Map<string, string>;
  runners: Map<string, string>;
}

/** A package.json that is no JSON has neither. */
export function readPackage(text: string): PackageTests {
  const root = parseObject(text);
  const scripts = entriesOf(root["scripts"]).filter(([key]) => /^(?:pre|post)?test(?::|$)/.test(key));
  const runners = entriesOf(root).filter(([key]) => PACKAGE_RUNNERS.has(key));
  return { scripts: texts(scripts), runners: texts(runners) };
}

const PACKAGE_RUNNERS = new Set(["jest", "mocha", "vitest", "ava", "tap", "c8", "nyc", "cypress"]);

/** Cuts a text at the lines that `head` matches and keeps the parts whose name is wanted, those of one name joined. */
function split(text: string, head: RegExp, wanted: (name: string) => boolean): Map<string, string> {
  const parts = new Map<string, string>();
  let current: string | null = null;
  for (const line of text.split("\n")) {
    const name = head.exec(line)?.[1]?.trim();
    if (name !== undefined) current = wanted(name) ? name : null;
    // Blank lines and the space around lines are no change.
    if (current !== null && line.trim() !== "") parts.set(current, `${parts.get(current) ?? ""}${line.trim()}\n`);
  }
  return parts;
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return Object.fromEntries(entriesOf(JSON.parse(text)));
  } catch {
    return {};
  }
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}

function texts(entries: readonly [string, unknown][]): Map<string, string> {
  return new Map(entries.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]));
}
