import fc from "fast-check";
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTestRepository } from "../../../test/support/repository.ts";
import { formatSettings, readSettings } from "./config.ts";
import type { Setting } from "./config.ts";

test("what is written of settings is what git reads", async () => {
  await using r = await openTestRepository();
  const text = fc.string({ unit: fc.constantFrom(..."a =\"\\#;\t\n[]'$é".split("")) });
  const subsection = text.filter((name) => name !== "" && !name.includes("\n")).map((name) => `filter.${name}.clean`);
  const name = fc.oneof(fc.constantFrom("core.eol", "user.name"), subsection);
  const settings = fc.array(fc.tuple(name, fc.oneof(text, fc.constant(null))), { maxLength: 40 });
  const read = async (written: Setting[]): Promise<Setting[]> => {
    await writeFile(join(r.commonDir, "config"), formatSettings(written));
    return readSettings(r.git, { cwd: r.dir });
  };
  await fc.assert(
    fc.asyncProperty(settings, async (written) => assert.deepEqual(await read(written), written)),
    { numRuns: 20 },
  );
});

test("files that a configuration includes are part of it", async () => {
  await using r = await openTestRepository();
  await writeFile(join(r.root, "more"), "[core]\n\teol = crlf\n");
  r.run(r.dir, "config", "include.path", join(r.root, "more"));
  const settings = await readSettings(r.git, { cwd: r.dir });
  assert.equal(settings.find(([name]) => name === "core.eol")?.[1], "crlf");
});
