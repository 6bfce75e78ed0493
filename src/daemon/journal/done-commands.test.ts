import assert from "node:assert/strict";
import { appendFileSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import { DoneCommands } from "./done-commands.ts";

const error = { code: "repository_invalid", message: "no such repository", hint: "Name another." };

describe("the done commands", () => {
  it("are known again after a restart, with their answers", async (t) => {
    const home = await temporary(t);
    const commands = await DoneCommands.open(home);
    assert.equal(commands.answer("a"), undefined);
    await commands.record("a", null);
    await commands.record("b", error);
    for (const known of [commands, await DoneCommands.open(home)]) {
      assert.deepEqual([known.answer("a"), known.answer("b")], [null, error]);
    }
  });

  it("do without lines that a crash or a full disk tore, and lose no others", async (t) => {
    const home = await temporary(t);
    const file = join(home, "commands.done");
    await (await DoneCommands.open(home)).record("a", null);
    appendFileSync(file, '["b",nu\n["c",7]\n[]\n["d",null]\n["e"');
    const commands = await DoneCommands.open(home);
    const answers = ["a", "b", "c", "d", "e"].map((id) => commands.answer(id));
    assert.deepEqual(answers, [null, undefined, undefined, null, undefined]);
    await commands.record("e", null);
    assert.equal(readFileSync(file, "utf8"), '["a",null]\n["d",null]\n["e",null]\n');
  });

  it("are the newest ten thousand", async (t) => {
    const home = await temporary(t);
    const lines = Array.from({ length: 10_001 }, (_, index) => `["${index}",null]\n`);
    appendFileSync(join(home, "commands.done"), lines.join(""));
    const commands = await DoneCommands.open(home);
    assert.deepEqual([commands.answer("0"), commands.answer("1"), commands.answer("10000")], [undefined, null, null]);
  });
});

async function temporary(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "makima-commands-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}
