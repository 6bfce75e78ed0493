import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, open, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "../../../test/support/until.ts";

const module = new URL("large-files.ts", import.meta.url).href;

test("a bringing of large files that is killed leaves nothing where Git LFS does not clear away", async () => {
  const root = await realpath(await mkdtemp(join(tmpdir(), "makima-large-")));
  try {
    const oid = "ab".repeat(32);
    const place = join("lfs", "objects", "ab", "ab");
    const [dir, commonDir] = [join(root, "clone"), join(root, "repository")];
    const gitDir = join(dir, ".git");
    await mkdir(join(gitDir, place), { recursive: true });
    await mkdir(commonDir);
    await using source = await open(join(gitDir, place, oid), "w");
    // Sparse, and so long that it is not copied before the end comes.
    await source.truncate(64 * 1024 ** 3);
    const script = `(await import(${JSON.stringify(module)})).importLargeFiles(${JSON.stringify({ dir, gitDir, commonDir })})`;
    const copying = spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: "inherit" });
    const ended = once(copying, "exit");
    await until(async () => (await filesIn(commonDir)).length > 0, "a copy has begun");
    copying.kill("SIGKILL");
    await ended;
    const [left = "", ...others] = await filesIn(commonDir);
    // Of such a name: what has another one, Git LFS takes away from under the hands of a copy that goes on.
    assert.match(left, new RegExp(`^lfs/tmp/${oid}-.`));
    assert.deepEqual(others, []);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

async function filesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1));
}
