import assert from "node:assert/strict";
import { appendFile, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTestRepository } from "../../../test/support/repository.ts";
import type { TestRepository } from "../../../test/support/repository.ts";
import { KnownRepositories } from "./known-repositories.ts";

test("the known repositories outlive a crash, in whichever line it was, and are found by any path in them", async () => {
  await using r = await openTestRepository({ "sub/file": "x\n" });
  const known = await open(r);
  await known.note(join(r.dir, "sub"));
  await known.note(r.dir);
  await known.note(r.root);
  assert.deepEqual(await known.present(), [r.commonDir]);
  const file = join(r.root, "repositories.known");
  assert.equal(await readFile(file, "utf8"), `${JSON.stringify(r.commonDir)}\n`);
  await appendFile(file, '"/half a li');
  const again = await open(r);
  await Promise.all([again.add(r.root), again.add(r.root)]);
  assert.equal(await readFile(file, "utf8"), `${JSON.stringify(r.commonDir)}\n${JSON.stringify(r.root)}\n`);
});

test("of the known repositories one that is gone may come back, unless there is no room for it", async () => {
  await using r = await openTestRepository();
  await (await open(r)).note(r.dir);
  await rename(r.dir, `${r.dir}-unplugged`);
  assert.deepEqual(await (await open(r)).present(), []);
  await rename(`${r.dir}-unplugged`, r.dir);
  assert.deepEqual(await (await open(r)).present(), [r.commonDir]);
  const gone = Array.from({ length: 1_500 }, (_, index) => `${JSON.stringify(`/nowhere/${index}`)}\n`);
  await writeFile(join(r.root, "repositories.known"), `${JSON.stringify(r.commonDir)}\n${gone.join("")}`);
  assert.deepEqual(await (await open(r)).present(), [r.commonDir]);
  assert.equal((await readFile(join(r.root, "repositories.known"), "utf8")).split("\n").length, 1_001);
});

test("of the known repositories none is one that the daemon may not work in: nothing is run there", async () => {
  await using r = await openTestRepository();
  const known = await KnownRepositories.open(r.root, {
    git: async () => assert.fail("git was run"),
    allowsRepository: () => false,
  });
  await known.note(r.dir);
  assert.deepEqual(await known.present(), []);
});

function open({ root, git }: TestRepository): Promise<KnownRepositories> {
  return KnownRepositories.open(root, { git, allowsRepository: () => true });
}
