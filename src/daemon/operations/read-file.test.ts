import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmod, symlink } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { checkoutFor, openOperations, placeOf, taskWith } from "../../../test/support/operations.ts";
import { writeFiles } from "../../../test/support/repository.ts";
import { MAX_CONTENT } from "../../protocol/operations.ts";
import type { OrderOf, Place } from "../../protocol/operations.ts";

test("a file is read as it is in the checkout, or as it is in a commit", async () => {
  await using bench = await openOperations({ files: { "a.txt": "one\n", "d/é\n": "deep\n" } });
  const { repository: r } = bench;
  const place = await taskWith(r, { "a.txt": "two\n" });
  const read = async (path: string, ref: string | null = null) => textIn(await bench.carryOut(order(place, path, ref)));
  assert.equal(await read("a.txt"), "two\n", "of the branch");
  const { dir } = await checkoutFor(r, place);
  await writeFiles(dir, { "a.txt": "three\n", bin: Buffer.from([0, 255, 254]), empty: "" });
  assert.equal(await read("a.txt"), "three\n");
  assert.equal(await read("empty"), "");
  assert.equal(await read("d/é\n"), "deep\n");
  for (const ref of ["main", r.base, r.base.slice(0, 12), "HEAD~1"])
    assert.equal(await read("a.txt", ref), "one\n", ref);
  assert.equal(await read("d/é\n", "main"), "deep\n");
  r.run(r.dir, "tag", "main", place.branch);
  assert.equal(await read("a.txt", "main"), "one\n", "a branch comes before a tag");
  const bin = await bench.carryOut(order(place, "bin"));
  assert.deepEqual(bin, { path: "bin", content: "AP/+", size: 3, truncated: false });
});

test("a large file is cut, wherever it is", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const place = await taskWith(r, { large: "x".repeat(MAX_CONTENT + 1), full: "y".repeat(MAX_CONTENT) });
  await checkoutFor(r, place);
  for (const ref of [null, place.branch]) {
    const large = await bench.carryOut(order(place, "large", ref));
    assert.deepEqual([textIn(large).length, large.size, large.truncated], [MAX_CONTENT, MAX_CONTENT + 1, true]);
    const full = await bench.carryOut(order(place, "full", ref));
    assert.deepEqual([textIn(full).length, full.size, full.truncated], [MAX_CONTENT, MAX_CONTENT, false]);
  }
});

test("nothing but files of the checkout is read, wherever links lead, and nothing hangs", async () => {
  await using bench = await openOperations({ files: { "a.txt": "one\n", "d/inner": "i\n" } });
  const { repository: r } = bench;
  const place = placeOf(r);
  const { dir } = await checkoutFor(r, place);
  await writeFiles(r.root, { "secret.txt": "s\n", "secrets/one": "s\n" });
  const links = {
    out: join(r.root, "secret.txt"),
    up: "../../secret.txt",
    folder: join(r.root, "secrets"),
    git: ".git",
    loop: "loop",
    dangling: "nowhere",
    device: "/dev/zero",
    process: "/proc/self/environ",
    good: "d/inner",
    "good-folder": "d",
  };
  for (const [name, target] of Object.entries(links)) await symlink(target, join(dir, name));
  execFileSync("/bin/sh", ["-c", "mkfifo fifo"], { cwd: dir });
  const socket = createServer().listen(join(dir, "socket"));
  await once(socket, "listening");
  const read = async (path: string) => bench.carryOut(order(place, path));
  for (const path of ["good", "good-folder/inner"]) assert.equal(textIn(await read(path)), "i\n");
  for (const path of ["out", "up", "folder/one", "git", "loop", "device", "process"]) {
    await assert.rejects(read(path), { code: "forbidden" }, path);
  }
  for (const path of ["d", "good-folder", "fifo", "socket"]) {
    await assert.rejects(read(path), { code: "invalid_request" }, path);
  }
  for (const path of ["nowhere", "a.txt/b", "dangling", "d/nothing"]) {
    await assert.rejects(read(path), { code: "not_found", hint: /diff/ }, path);
  }
  socket.close();
  await once(socket, "close");
});

test("a path is relative, plain, and not git's own", async () => {
  await using bench = await openOperations();
  const { repository: r } = bench;
  const place = await taskWith(r, {});
  const paths = ["/etc/passwd", "..", "a/../../b", "./a.txt", "a//b", "a/", "", ".git/config", "d/.GIT/HEAD", "a\0b"];
  for (const ref of [null, "main"]) {
    for (const path of paths) {
      await assert.rejects(bench.carryOut(order(place, path, ref)), { code: "invalid_request" }, path);
    }
  }
});

test("in a commit, a link is the path that it leads to, and what is no file is refused", async () => {
  await using bench = await openOperations({ files: { "a.txt": "one\n", "d/x": "x\n" } });
  const { repository: r } = bench;
  const place = placeOf(r);
  const { dir } = await checkoutFor(r, place);
  await symlink("/etc/passwd", join(dir, "link"));
  r.run(dir, "add", "link");
  r.run(dir, "update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},sub`);
  r.run(dir, "commit", "--quiet", "--message=Link");
  const read = (path: string, ref: string) => bench.carryOut(order(place, path, ref));
  assert.equal(textIn(await read("link", "HEAD")), "/etc/passwd");
  for (const path of ["d", "sub"]) await assert.rejects(read(path, "HEAD"), { code: "invalid_request" }, path);
  await assert.rejects(read("nothing", "HEAD"), { code: "not_found" });
  for (const ref of ["nowhere", "--help", "HEAD:", "main..HEAD", ""]) {
    await assert.rejects(read("a.txt", ref), { code: "base_unknown" }, ref);
  }
});

test(
  "a file that is closed to the daemon is refused",
  { skip: process.getuid?.() === 0 && "root may read all" },
  async () => {
    await using bench = await openOperations();
    const { repository: r } = bench;
    const place = placeOf(r);
    const { dir } = await checkoutFor(r, place);
    await chmod(join(dir, "a.txt"), 0);
    await assert.rejects(bench.carryOut(order(place, "a.txt")), { code: "forbidden" });
  },
);

function order(place: Place, path: string, ref: string | null = null): OrderOf<"ReadFile"> {
  return { kind: "ReadFile", place, path, ref };
}

function textIn({ content }: { content: string }): string {
  return Buffer.from(content, "base64").toString("utf8");
}
