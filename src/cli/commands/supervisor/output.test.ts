import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newSupervisedWorld } from "../../../../test/support/supervised.ts";
import type { SupervisedWorld } from "../../../../test/support/supervised.ts";
import { encodeEvent } from "../../../protocol/run-events.ts";
import { finished, iterationStarted, verdict } from "../../../server/testing/data.ts";
import { until } from "../../../server/testing/harness.ts";

/** Longer than what is looked at first for the end of a stream. */
const FIRST = Buffer.from(Array.from({ length: 9_000 }, (_, index) => `line ${index + 1}\n`).join(""));
/** Neither UTF-8 nor finished. */
const SECOND = Buffer.concat([Buffer.from("begin\n"), Buffer.from([0xff, 0x00, 0x1b]), Buffer.from("\nlast")]);

let world: SupervisedWorld;
before(async () => {
  world = await newSupervisedWorld();
  const { own } = world;
  await world.append(own, "iterations/0001/out", FIRST);
  await world.append(own, "iterations/0001/err", "what went wrong\n");
  await world.happen(own, iterationStarted(1), verdict(1));
  await world.append(own, "iterations/0002/out", SECOND);
  await world.happen(own, iterationStarted(2));
});
after(() => world[Symbol.asyncDispose]());

async function output(...args: string[]): Promise<Buffer> {
  const { code, bytes, stderr } = await world.agent(["supervisor", "output", ...args], { side: world.own });
  assert.equal(code, 0, stderr);
  return bytes;
}

test("the output of all iterations comes byte for byte", async () => {
  assert.deepEqual(await output(), Buffer.concat([FIRST, SECOND]));
  assert.deepEqual(await output("--iteration", "1"), FIRST);
  assert.deepEqual(await output("--iteration", "2"), SECOND);
  assert.deepEqual(await output("--stream", "err"), Buffer.from("what went wrong\n"));
  const events = (await output("--stream", "events")).toString();
  assert.ok(events.endsWith(encodeEvent(iterationStarted(2))), events);
});

const TAILS: [args: string[], expected: string | Buffer][] = [
  [["--tail", "1"], "last"],
  [["--tail", "3"], SECOND],
  [["--tail", "4"], Buffer.concat([Buffer.from("line 9000\n"), SECOND])],
  [["--tail", "2", "--iteration", "1"], "line 8999\nline 9000\n"],
  [["--tail", "9000", "--iteration", "1"], FIRST],
  [["--tail", "9999"], Buffer.concat([FIRST, SECOND])],
  [["--tail", "5", "--stream", "err"], "what went wrong\n"],
  [["--tail", "1", "--stream", "events"], encodeEvent(iterationStarted(2))],
];

for (const [args, expected] of TAILS) {
  test(`${args.join(" ")} gives the last lines`, async () => {
    assert.deepEqual(await output(...args), Buffer.from(expected));
  });
}

test("the tail of lines that are longer than what is looked at first", async () => {
  const { foreign } = world;
  const long = `${"x".repeat(100_000)}\n`;
  await world.append(foreign, "iterations/0001/out", `first\n${long}${long}end\n`);
  await world.happen(foreign, iterationStarted(1));
  const { stdout } = await world.person(["supervisor", "output", foreign.taskId, "--tail", "2"]);
  assert.equal(stdout, `${long}end\n`);
});

test("readable text has what makima did too, escaped for a terminal, and its end alone where that is wanted", async () => {
  const text = (await output("--text")).toString();
  assert.match(text, /^Iteration 1\n[^]*line 9000\n#1 no gate.*continue[^]*^Iteration 2/m);
  assert.ok(!text.includes("\u001b"), "no control characters");
  const lines = text.trimEnd().split("\n");
  assert.equal((await output("--text", "--tail", "4")).toString(), `${lines.slice(-4).join("\n")}\n`);
  assert.match((await output("--text", "--iteration", "2")).toString(), /^Iteration 2/);
});

test("a document has the end of the output", async () => {
  const document = JSON.parse((await output("--json", "--tail", "2", "--iteration", "1")).toString()) as object;
  const { runId, taskId } = world.own;
  const task = { id: taskId, name: "Mend the parser", status: "waiting" };
  const shown = { task, runId, stream: "out", iteration: 1, text: "line 8999\nline 9000\n", truncated: false };
  assert.deepEqual(document, shown);
});

test("a stream, or a part of one, that there is not is a usage error", async () => {
  for (const args of [
    ["--stream", "both"],
    ["--stream", "events", "--iteration", "1"],
    ["--tail", "0"],
  ]) {
    const { code, stdout, stderr } = await world.agent(["supervisor", "output", ...args], { side: world.own });
    assert.deepEqual([code, stdout], [2, ""], stderr);
  }
});

test("what is followed goes on from its last lines to the end of the task", async () => {
  const { supervised: side } = world;
  await world.append(side, "iterations/0001/out", "one\ntwo\nthree\n");
  await world.happen(side, iterationStarted(1));
  const ways: [args: string[], shown: string][] = [
    [["--tail", "1"], "three\n"],
    [["--tail", "1", "--text"], "  three\n"],
    [["--json"], '{"text":"one"}\n{"text":"two"}\n{"text":"three"}\n'],
  ];
  const follow = (args: string[]) => {
    const heard = { text: "" };
    const onOutput = (text: string) => void (heard.text += text);
    return { heard, printed: world.person(["supervisor", "output", side.taskId, "-f", ...args], { onOutput }) };
  };
  const running = ways.map(([args]) => follow(args));
  await until(() => running.every(({ heard }, index) => heard.text === ways[index]?.[1]));
  await world.append(side, "iterations/0001/out", "four\n");
  await world.happen(side, verdict(1), finished());
  const [bytes, text, lines] = await Promise.all(running.map(({ printed }) => printed));
  assert.equal(bytes?.stdout, "three\nfour\n");
  assert.match(text?.stdout ?? "", /^ {2}three\n {2}four\n#1 /);
  assert.ok(lines?.stdout.endsWith('{"text":"four"}\n'));
});
