import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { outcomeOf } from "./support/machine.ts";
import { makeWorkshop } from "./support/workshop.ts";
import type { Workshop } from "./support/workshop.ts";

const PAGE = fileURLToPath(new URL("../docs/http-api.md", import.meta.url));

/** Longest that all examples together may take (ms). */
const TIME_LIMIT = 120_000;

/** What the blocks of a heading are to print, one pattern for all of them together. */
const EXPECTED: Record<string, RegExp> = {
  Keys: /^{"version":".*"database":"sqlite"/,
  "Create a contract": /^$/,
  "Follow its output":
    /^Hello from the agent\.\n<COMPLETION_GATE>[^]*\n{"streams":\[.*{"stream":"events".*\]}from the agent\./,
  "Look at a task": /^completed\nverified\nmakima\/greeting\/\S+\n$/,
  "Speak to the agent": /^$/,
  "Cancel a task": /^No longer needed\n$/,
  "Page through changes": /^1 \w+\n2 \w+\n(\d+ \w+\n)*\d+ run\n(\d+ \w+\n)+$/,
  "Read metrics": /^makima_\w+.* \d/m,
  Errors: /^{"error":{"code":"not_found",.*curl exited with 22\n$/s,
};

interface Section {
  heading: string;
  script: string;
}

describe("the examples of docs/http-api.md", () => {
  it("do what the page says, with curl, on a server with a daemon and an agent", async () => {
    const curl = spawnSync("curl", ["--version"], { encoding: "utf8" });
    assert.equal(curl.status, 0, "this test needs curl 7.82 or newer: install it (Debian: apt-get install curl)");
    await using shop = await makeWorkshop({ agent: { program: "takes-its-time.sh" } });
    const started = await shop.makima("up", "--background", "--port", "0", "--json");
    assert.equal(started.code, 0, started.stderr);
    const { url } = JSON.parse(started.stdout) as { url: string };
    const sections = sectionsOf(await readFile(PAGE, "utf8"));
    assert.deepEqual(
      sections.map(({ heading }) => heading),
      Object.keys(EXPECTED),
    );
    const printed = await runAll(shop, url, sections);
    for (const { heading } of sections) {
      assert.match(printed.get(heading) ?? "", EXPECTED[heading] ?? /$^/, `under "${heading}"`);
    }
  });
});

/** The `sh` blocks of each heading that has any, in their order. */
function sectionsOf(page: string): Section[] {
  return page
    .split(/^## /m)
    .map((text) => ({ heading: text.split("\n", 1)[0] ?? "", blocks: text.matchAll(/^```sh\n([^]*?)^```$/gm) }))
    .map(({ heading, blocks }) => ({ heading, script: Array.from(blocks, ([, block = ""]) => block).join("\n") }))
    .filter(({ script }) => script !== "");
}

/** Runs all of it in one shell, as a reader would, and gives what was printed under each heading. */
async function runAll(
  { machine, repository }: Workshop,
  url: string,
  sections: Section[],
): Promise<Map<string, string>> {
  const dir = join(machine.home, "examples");
  await mkdir(dir);
  const marked = sections.map(({ heading, script }) => `printf '%s' '${MARK}${heading}${MARK}'\n${script}`);
  const env = {
    ...machine.environment,
    MAKIMA_URL: url,
    MAKIMA_KEY: (await readFile(join(machine.makimaHome, "user.key"), "utf8")).trim(),
    REPO: repository,
    AGENT: "takes-its-time",
  };
  const shell = spawn("sh", ["-eu"], { cwd: dir, env, timeout: TIME_LIMIT, killSignal: "SIGKILL" });
  shell.stdin.end(marked.join("\n"));
  const { code, stdout, stderr } = await outcomeOf(shell);
  assert.equal(code, 0, `the examples failed:\n${stdout}\n${stderr}`);
  const parts = stdout.split(MARK).slice(1);
  return new Map(sections.map(({ heading }, index) => [heading, parts[2 * index + 1] ?? ""]));
}

/** Stands around headings in what is printed; nothing else prints it. */
const MARK = "\u0001";
