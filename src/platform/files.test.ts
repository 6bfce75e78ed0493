import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ensurePrivateDir, exists, readJson, removeAtomic, writeAtomic } from "./files.ts";

test("an atomic write replaces the content and leaves nothing else", async (context) => {
  const dir = await temporary(context);
  const path = join(dir, "file");
  await writeAtomic(path, "old");
  await writeAtomic(path, Buffer.from([0xff, 0x00]), { mode: 0o640 });
  assert.deepEqual(await readFile(path), Buffer.from([0xff, 0x00]));
  assert.equal((await stat(path)).mode & 0o777, 0o640);
  assert.deepEqual(await readdir(dir), ["file"]);
});

test("an atomic write that fails leaves the old content and nothing else", async (context) => {
  const dir = await temporary(context);
  await mkdir(join(dir, "occupied"));
  await assert.rejects(writeAtomic(join(dir, "occupied"), "new"), { code: "EISDIR" });
  assert.deepEqual(await readdir(dir), ["occupied"]);
});

test("an atomic write that was killed leaves what goes with the file, and nothing else does", async (context) => {
  const dir = await temporary(context);
  const path = join(dir, "file");
  await writeAtomic(path, "content");
  const others = ["file.tmp", "file.0123456789ab", "file.0123456789ab.tmp.mine", "my-file.0123456789ab.tmp"];
  for (const name of ["file.0123456789ab.tmp", ...others]) await writeFile(join(dir, name), "x");
  for (let time = 0; time < 2; time += 1) await removeAtomic(path);
  assert.deepEqual((await readdir(dir)).toSorted(), others.toSorted());
});

test("of writes at the same time one wins, whole", async (context) => {
  const path = join(await temporary(context), "file");
  const contents = Array.from({ length: 20 }, (_, index) => String(index).repeat(100_000));
  await Promise.all(contents.map((content) => writeAtomic(path, content)));
  assert.ok(contents.includes(await readFile(path, "utf8")));
});

test("JSON is read, absent or refused", async (context) => {
  const path = join(await temporary(context), "file.json");
  assert.equal(await readJson(path), undefined);
  await writeFile(path, '{"a":[1]}');
  assert.deepEqual(await readJson(path), { a: [1] });
  await writeFile(path, '{"a":');
  await assert.rejects(readJson(path), SyntaxError);
});

test("a private directory is closed to others, also when it was open before", async (context) => {
  const dir = join(await temporary(context), "a", "b");
  await ensurePrivateDir(dir);
  assert.equal((await stat(dir)).mode & 0o777, 0o700);
  await chmod(dir, 0o755);
  await ensurePrivateDir(dir);
  assert.equal((await stat(dir)).mode & 0o777, 0o700);
  assert.equal(await exists(dir), true);
  assert.equal(await exists(join(dir, "c")), false);
});

async function temporary(context: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "files-"));
  context.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}
