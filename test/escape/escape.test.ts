import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import type { ExecFileOptions } from "node:child_process";
import { chown, mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { bubblewrapHere } from "../../src/platform/sandbox/fixtures/bwrap.ts";
import type { EscapeCase } from "./case.ts";
import type { Outcome, Report, TrapOutcome } from "./report.ts";
import { SUITE, WITHOUT_NETWORK } from "./suite.ts";

/** Not below /tmp, of which a sandbox has its own: like a person's home, which lies elsewhere too. */
const PLACE = join(import.meta.dirname, "../../node_modules/.cache/escape");
const STAGE = join(import.meta.dirname, "stage.ts");
/** No account need have it. */
const ORDINARY = 64_321;
const MAX_REPORT = 64 * 1024 * 1024;
/** Some ten seconds on an idle machine (ms). */
const STAGE_TIMEOUT = 10 * 60_000;
const isRoot = process.getuid?.() === 0;
const notReadable = isRoot && !(await isReadableFor(ORDINARY)) && "these sources are closed to ordinary users";

test("the list of cases is long enough, and names each once", () => {
  const names = [...SUITE, ...WITHOUT_NETWORK].flatMap(({ cases }) => cases.map(({ name }) => name));
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.length >= 100, `${names.length} cases`);
});

describe("nothing gets out of the sandbox", { skip: await whyNot(), concurrency: true }, () => {
  test("of an ordinary user", { skip: notReadable }, (t) => tryAs(t, isRoot ? ORDINARY : null));
  const notRoot = !isRoot && "started by an ordinary user: start it as root to try this half";
  test("of root", { skip: notRoot }, (t) => tryAs(t, null));
});

/** Why nothing can be tried here; false: nothing is missing. */
async function whyNot(): Promise<string | false> {
  const { missing } = await bubblewrapHere();
  if (missing !== false) return missing;
  return (await runs("python3", ["-c", "import ctypes"])) ? false : "python3 is not installed";
}

/** Whether a user can start what the stage is started with. */
function isReadableFor(user: number): Promise<boolean> {
  const look = `require("node:fs").accessSync(${JSON.stringify(STAGE)})`;
  return runs(process.execPath, ["--eval", look], { uid: user, gid: user });
}

function runs(program: string, args: string[], options: ExecFileOptions = {}): Promise<boolean> {
  return new Promise((resolve) => execFile(program, args, options, (error) => resolve(error === null)));
}

/** `user`: to be started as; null: as the one that runs the tests. */
async function tryAs(t: TestContext, user: number | null): Promise<void> {
  await mkdir(PLACE, { recursive: true });
  const root = await mkdtemp(join(PLACE, "world-"));
  try {
    if (user !== null) await chown(root, user, user);
    const { outcomes, traps, ...report } = await stage(join(root, "w"), user);
    const all = [...SUITE, ...WITHOUT_NETWORK];
    const results = outcomes.values();
    for (const { title, cases } of all) {
      await t.test(title, async (inner) => {
        for (const one of cases) {
          const outcome = results.next().value;
          const must = user === null && isRoot && one.rootMay === true ? "succeed" : one.must;
          await inner.test(one.name, () => judge({ ...one, must }, outcome));
        }
      });
    }
    await t.test("traps for git that are left in a checkout", async (inner) => {
      for (const one of traps) await inner.test(one.name, () => judgeTrap(one));
    });
    assert.deepEqual(report, { changed: [], leftBehind: [], victimIsWell: true });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

function judge({ name, must }: EscapeCase, outcome: Outcome | undefined): void {
  assert.equal(outcome?.name, name);
  const { inside, outside } = outcome;
  assert.notEqual(inside.code, null, `it did not end: ${inside.said}`);
  assert.equal(inside.code === 0 ? "succeed" : "fail", must, inside.said);
  if (outside !== null) assert.equal(outside.code, 0, `without a sandbox it fails too: ${outside.said}`);
}

function judgeTrap({ sprung, springsUnprotected }: TrapOutcome): void {
  assert.equal(sprung, false, "its program ran");
  assert.notEqual(springsUnprotected, false, "it is none: nothing happens without protection either");
}

function stage(root: string, user: number | null): Promise<Report> {
  // What is inherited is what the daemon would be started with; each world makes its own environment of it.
  const options = { maxBuffer: MAX_REPORT, timeout: STAGE_TIMEOUT, ...(user === null ? {} : { uid: user, gid: user }) };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [STAGE, root], options, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout) as Report);
      else reject(new Error(`The stage failed: ${stderr}`, { cause: error }));
    });
  });
}
