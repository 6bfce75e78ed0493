import assert from "node:assert/strict";
import { appendFileSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import { DoneCommands } from "./done-commands.ts";

const done = { error: null, result: null };
const error = { code: "repository_invalid", message: "no such repository", hint: "Name another." };

describe("the done commands", () => {
  it("are known again after a restart, with their answers", async (t) => {
    const home = await temporary(t);
    const commands = await DoneCommands.open(home);
    assert.equal(commands.answer("a"), undefined);
    const answers = [done, { error, result: null }, { error: null, result: { name: "b", files: [{ path: "a" }] } }];
    for (const [index, answer] of answers.entries()) await commands.record(`${index}`, answer);
    for (const known of [commands, await DoneCommands.open(home)]) {
      assert.deepEqual(
        answers.map((_, index) => known.answer(`${index}`)),
        answers,
      );
    }
  });

  it("do without lines that a crash or a full disk tore, and lose no others", async (t) => {
    const home = await temporary(t);
    const file = join(home, "commands.done");
    await (await DoneCommands.open(home)).record("a", done);
    // "d" is of a daemon that knew no operations.
    appendFileSync(file, '["b",nu\n["c",7]\n[]\n["d",null]\n["e"');
    const commands = await DoneCommands.open(home);
    const answers = ["a", "b", "c", "d", "e"].map((id) => commands.answer(id));
    assert.deepEqual(answers, [done, undefined, undefined, done, undefined]);
    await commands.record("e", done);
    assert.equal(readFileSync(file, "utf8"), '["a",null,null]\n["d",null,null]\n["e",null,null]\n');
  });

  it("are the newest ten thousand", async (t) => {
    const home = await temporary(t);
    const lines = Array.from({ length: 10_001 }, (_, index) => `["${index}",null]\n`);
    appendFileSync(join(home, "commands.done"), lines.join(""));
    const commands = await DoneCommands.open(home);
    const ids = ["0", "1", "10000"];
    assert.deepEqual(
      ids.map((id) => commands.answer(id)),
      [undefined, done, done],
    );
    await commands.record("one more", done);
    assert.deepEqual([commands.answer("1"), commands.answer("one more")], [undefined, done]);
  });

  it("are as many as fit, in memory and in the file, however many come at once", async (t) => {
    const home = await temporary(t);
    const commands = await DoneCommands.open(home);
    const large = { error: null, result: { output: "x".repeat(1024 * 1024) } };
    const ids = Array.from({ length: 40 }, (_, index) => `${index}`);
    await Promise.all(ids.map((id) => commands.record(id, large)));
    for (const known of [commands, await DoneCommands.open(home)]) {
      const remembered = ids.filter((id) => known.answer(id) !== undefined);
      assert.deepEqual(remembered, ids.slice(-7));
    }
    assert.ok(statSync(join(home, "commands.done")).size < 24 * 1024 * 1024);
  });
});

async function temporary(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "makima-commands-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}
