import { readPackage, isRunnerConfig, sectionsOf, testTargets } from "./test-config.ts";
import { countDeclaredTests, countSkips, isTestFile } from "./test-files.ts";

export type TamperingKind =
  | "test-deleted"
  | "test-emptied"
  | "test-skipped"
  | "test-script-changed"
  | "runner-config-changed"
  | "check-config-changed"
  | "check-moved-head"
  | "check-changed-files"
  | "no-tests-ran";

/** Something that a check leans on is not what it was. Shown to a person, who judges it; `detail` is one line. */
export interface TamperingFlag {
  kind: TamperingKind;
  /** null when it is about no single file. */
  path: string | null;
  detail: string;
}

/** A file of a diff. A text is null where the file does not exist on that side, or is not text. */
export interface ChangedFile {
  path: string;
  /** Of a rename: the path before. */
  oldPath?: string;
  status: "A" | "M" | "D" | "R";
  oldText: string | null;
  newText: string | null;
}

/**
 * Scans the difference between the base and the agent's work for what a check leans on: tests deleted, emptied or newly
 * skipped, test scripts and the configuration of test runners and of makima's own checks changed. A moved test is no
 * deleted one. Linear in the size of the texts.
 */
export function scanDiff(files: readonly ChangedFile[]): TamperingFlag[] {
  const added = files.filter((file) => file.status === "A" && isTestFile(file.path, file.newText ?? ""));
  const moved = new Set(added.map((file) => file.newText));
  return files.flatMap((file) => [...scanTests(file, moved), ...scanConfiguration(file)]);
}

function scanTests(file: ChangedFile, moved: ReadonlySet<string | null>): TamperingFlag[] {
  const { path, status } = file;
  const oldPath = file.oldPath ?? path;
  const before = file.oldText ?? "";
  const after = file.newText ?? "";
  const wasTest = status !== "A" && isTestFile(oldPath, before);
  if (status === "D") return wasTest && !moved.has(before) ? [flag("test-deleted", path, "test file deleted")] : [];
  if (wasTest && path !== oldPath && !isTestFile(path, after)) {
    return [flag("test-deleted", path, `renamed from ${oldPath}, and no test file any more`)];
  }
  if (wasTest && isEmptied(path, file)) return [flag("test-emptied", path, "holds no test any more")];
  if (!isTestFile(path, after)) return [];
  const skips = countSkips(path, after) - (wasTest ? countSkips(oldPath, before) : 0);
  return skips > 0 ? [flag("test-skipped", path, `${skips} newly skipped or excluded`)] : [];
}

function isEmptied(path: string, { oldText, newText, oldPath }: ChangedFile): boolean {
  if (oldText === null || newText === null || oldText.trim() === "") return false;
  if (newText.trim() === "") return true;
  return countDeclaredTests(oldPath ?? path, oldText) > 0 && countDeclaredTests(path, newText) === 0;
}

function scanConfiguration(file: ChangedFile): TamperingFlag[] {
  const { path, oldPath = path } = file;
  const name = baseName(path);
  const done = { A: "added", M: "changed", D: "deleted", R: "renamed" }[file.status];
  if (path === ".makima.toml" || oldPath === ".makima.toml") {
    return [flag("check-config-changed", path, `${done}; the pinned checks were run`)];
  }
  if (name === "package.json") return scanPackage(file);
  if ([name, baseName(oldPath)].some(isRunnerConfig)) {
    return [flag("runner-config-changed", path, `configuration of a test runner ${done}`)];
  }
  const [before, after] = [file.oldText ?? "", file.newText ?? ""];
  const sections = changedNames(sectionsOf(name, before), sectionsOf(name, after));
  const targets = changedNames(testTargets(name, before), testTargets(name, after));
  return [
    ...sections.map((section) => flag("runner-config-changed", path, `section [${section}] changed`)),
    ...targets.map((target) => flag("test-script-changed", path, `target ${target} changed`)),
  ];
}

/** A new package.json has no old scripts for a check to lean on, and a `test` new in an old one replaces none. */
function scanPackage({ path, oldText, newText }: ChangedFile): TamperingFlag[] {
  if (oldText === null) return [];
  const before = readPackage(oldText);
  const after = readPackage(newText ?? "");
  const scripts = changedNames(before.scripts, after.scripts).filter(
    (script) => before.scripts.has(script) || !/^test(?::|$)/.test(script),
  );
  return [
    ...scripts.map((script) => {
      const [from, to] = [before.scripts.get(script) ?? "none", after.scripts.get(script) ?? "none"];
      return flag("test-script-changed", path, `script ${script}: ${oneLine(from)} -> ${oneLine(to)}`);
    }),
    ...changedNames(before.runners, after.runners).map((key) => flag("runner-config-changed", path, `${key} changed`)),
  ];
}

function changedNames(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((name) => before.get(name) !== after.get(name));
}

function flag(kind: TamperingKind, path: string, detail: string): TamperingFlag {
  return { kind, path, detail };
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").slice(0, 200);
}
