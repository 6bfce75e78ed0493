import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { eventsOf, openBench } from "../../../test/support/run.ts";
import { defaultAgent } from "../../platform/config/config.ts";
import { bubblewrapHere } from "../../platform/sandbox/fixtures/bwrap.ts";
import { carryOn } from "./run.ts";

const { missing: skip } = await bubblewrapHere();

const KEY = "the-key-of-an-agent";

test("the key of an agent that could not be started does not stay behind in its file", { skip }, async () => {
  await using bench = await openBench({ agent: `touch "$bench/ran"`, spec: { bubblewrap: true } });
  const { services, place, path } = bench;
  const claude = { ...defaultAgent("claude"), command: [place.program], apiKeyHelper: true };
  services.loadAgents = async () => ({ script: claude });
  services.environment = { ...place.environment, ANTHROPIC_API_KEY: KEY };
  // Here its conversations would lie, which its sandbox is to have.
  await writeFile(join(place.environment["HOME"] ?? "", ".claude"), "no directory");
  await using hold = await bench.takeUp();
  await carryOn(hold.context);
  assert.equal((await bench.finished()).outcome, "failed");
  assert.equal(eventsOf(await bench.events(), "iteration-started").length, 1);
  for (const file of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const content = await readFile(join(file.parentPath, file.name), "latin1");
    assert.ok(!content.includes(KEY), join(file.parentPath, file.name));
  }
});
