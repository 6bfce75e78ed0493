import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { selfCommand, spawnBackground } from "./background.ts";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "makima-background-"));
});
after(() => rm(directory, { recursive: true, force: true }));

test("the process outlives its starter, in a group of its own, with only the given environment", async () => {
  const logFile = join(directory, "up.log");
  const program = `console.log(JSON.stringify(process.env)); console.error("to stderr"); setInterval(() => {}, 1000);`;
  const starter = `
    import { spawnBackground } from ${JSON.stringify(new URL("background.ts", import.meta.url).href)};
    const options = ${JSON.stringify({ cwd: directory, env: { ONLY: "this" }, logFile })};
    console.log(spawnBackground([process.execPath, "-e", ${JSON.stringify(program)}], options));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", starter]);
  const pid = Number(stdout);
  try {
    const [env, stderr] = await linesOf(logFile, 2);
    assert.deepEqual(JSON.parse(env ?? ""), { ONLY: "this" });
    assert.equal(stderr, "to stderr");
    assert.equal((await stat(logFile)).mode & 0o777, 0o600);
    assert.ok(process.kill(-pid, 0), "it leads a process group of its own");
  } finally {
    process.kill(pid, "SIGKILL");
  }
});

test("a program that cannot be started is an error and nothing else", () => {
  const options = { cwd: directory, env: {}, logFile: join(directory, "absent.log") };
  assert.throws(() => spawnBackground([join(directory, "no-such-program")], options), { code: "unavailable" });
});

test("selfCommand runs this program again", () => {
  const [node, ...rest] = selfCommand();
  assert.equal(node, process.execPath);
  assert.equal(rest.at(-1), process.argv[1]);
});

/** The first `count` lines of a file that another process is writing. */
async function linesOf(file: string, count: number): Promise<string[]> {
  for (;;) {
    const lines = (await readFile(file, "utf8")).split("\n").slice(0, -1);
    if (lines.length >= count) return lines;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
