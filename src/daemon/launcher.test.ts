import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { writeLauncher } from "./launcher.ts";

/** Without a backslash, with which Node finds no module. */
const PLACE = `it's "a" $HOME \`home\`\n%s; *`;

test("the launcher runs the very program, wherever it lies and whatever it is told", async (t) => {
  const root = await mkdtemp(join(tmpdir(), "makima-launcher-"));
  t.after(() => rm(root, { recursive: true }));
  const home = join(root, PLACE);
  await mkdir(home);
  const script = join(home, "main.mjs");
  await writeFile(script, "console.log(JSON.stringify([process.env.MAKIMA_API_URL, ...process.argv.slice(1)]))");
  const bin = join(home, "bin");
  for (const port of [1, 2]) {
    const serverUrl = `http://127.0.0.1:${port}/?it's`;
    await writeLauncher(bin, { command: [process.execPath, script, `it's ${port}`], serverUrl });
  }

  const words = ["supervisor", "spawn", "two words", `${PLACE} \\`, ""];
  const said = execFileSync(join(bin, "makima"), words, { env: { MAKIMA_API_URL: "http://old" }, encoding: "utf8" });
  assert.deepEqual(JSON.parse(said), ["http://127.0.0.1:2/?it's", script, "it's 2", ...words]);
  assert.deepEqual(await readdir(bin), ["makima"]);
  assert.equal((await stat(join(bin, "makima"))).mode & 0o777, 0o700);
});
