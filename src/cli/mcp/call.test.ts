import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { MakimaError } from "../../core/errors.ts";
import { CONNECTION_OPTIONS, defineCommand, dollars, duration, flag, integer, labels, list, text } from "../command.ts";
import type { Command } from "../command.ts";
import type { Surroundings } from "../context.ts";
import { callTool, inputOf } from "./call.ts";

const options = {
  check: list("--check <command>", "Checks"),
  label: labels("--label <name=value>", "Labels"),
  budget: dollars("--budget <usd>", "Budget"),
  limit: integer("--limit <n>", "Limit", 1, 10),
  timeout: duration("--timeout <duration>", "Timeout"),
  squash: flag("--squash", "Squash"),
  loop: flag("--no-loop", "No loop"),
  into: text("--into <branch>", "Branch"),
  ...CONNECTION_OPTIONS,
};

const NO_ARGUMENTS = { arguments: [], options, examples: [] } satisfies Partial<Command>;

const sample = defineCommand({
  ...NO_ARGUMENTS,
  arguments: [
    { name: "name", description: "Name", required: true },
    { name: "task", description: "Tasks", required: false, variadic: true },
  ],
  run: async () => 0,
});

const INITIAL = {
  check: [],
  label: {},
  budget: null,
  limit: null,
  timeout: null,
  squash: false,
  loop: true,
  into: null,
  server: null,
  config: null,
};

test("the arguments of a tool become the input of its command, as a command line's would", () => {
  assert.deepEqual(inputOf(sample, { name: "a" }), { arguments: ["a"], options: INITIAL });
  const given = {
    name: "a",
    task: ["1", "2"],
    check: ["x", "y"],
    label: { gpu: "yes" },
    budget: 2.5,
    limit: 3,
    timeout: "15m",
    squash: true,
    loop: false,
    into: "-",
  };
  const { name: _, task: __, ...rest } = given;
  assert.deepEqual(inputOf(sample, given), {
    arguments: ["a", "1", "2"],
    options: { ...INITIAL, ...rest, timeout: 900_000 },
  });
});

const WRONG: [Record<string, unknown>, RegExp][] = [
  [{}, /"name" .* required/],
  [{ name: 7 }, /"name" .* give a text/],
  [{ name: "a", nonsense: 1 }, /"nonsense" .* none of that name/],
  [{ name: "a", server: "http://elsewhere" }, /"server" .* none of that name/],
  [{ name: "a", json: true }, /"json"/],
  [{ name: "a", __proto__: null, constructor: 1 }, /"constructor"/],
  [{ name: "a", check: "x" }, /"check" .* list/],
  [{ name: "a", check: [1] }, /"check" .* text/],
  [{ name: "a", label: ["gpu"] }, /"label" .* object/],
  [{ name: "a", squash: "yes" }, /"squash" .* true or false/],
  [{ name: "a", limit: 11 }, /--limit "11"/],
  [{ name: "a", budget: -1 }, /--budget "-1"/],
  [{ name: "a", timeout: "soon" }, /--timeout "soon"/],
];

for (const [given, message] of WRONG) {
  test(`a tool refuses ${JSON.stringify(given)}`, () => {
    assert.throws(
      () => inputOf(sample, given),
      (error) => error instanceof MakimaError && error.code === "usage" && message.test(error.message),
    );
  });
}

test("a call gives what the command prints as JSON, and nothing reaches the process's own streams", async () => {
  const stdout = new PassThrough();
  const command = commandThat(async ({ output }) => {
    output.line("for people");
    output.document({ answer: 42 });
    return 0;
  });
  assert.deepEqual(await callTool(surroundings(stdout), callOf(command)), { text: '{"answer":42}', isError: false });
  assert.equal(stdout.readableLength, 0);
});

test("a failed call says why, with what the command had printed", async () => {
  const command = commandThat(async ({ output }) => {
    output.document({ conflicts: ["a.txt"] });
    throw new MakimaError("merge_conflict", "a.txt conflicts");
  });
  const { text: said, isError } = await callTool(surroundings(), callOf(command));
  assert.equal(isError, true);
  const [document = "", error = ""] = said.split("\n");
  assert.deepEqual(JSON.parse(document), { conflicts: ["a.txt"] });
  assert.match(error, /"code":"merge_conflict","message":"a.txt conflicts"/);
});

test("a call that the client gives up interrupts its command, and only that", async () => {
  const client = new AbortController();
  const command = commandThat(async (context) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    using _ = context.onSignals(["SIGINT"], resolve);
    await promise;
    return 130;
  });
  const call = callTool(surroundings(), { ...callOf(command), signal: client.signal });
  client.abort();
  assert.equal((await call).isError, true);
});

test("a call's result is bounded, whatever the command prints", async () => {
  const command = commandThat(async ({ output }) => {
    await output.bytes(Buffer.alloc(10_000_000, "x"));
    return 0;
  });
  const { text: said } = await callTool(surroundings(), callOf(command));
  assert.ok(said.length < 201_000, `${said.length}`);
  assert.match(said, /and 9800000 more characters$/);
});

test("texts stand for themselves: no tool reads stdin or a file because a text begins like one", async () => {
  const command = commandThat(async ({ literal }) => (literal ? 0 : 1));
  assert.equal((await callTool(surroundings(), callOf(command))).isError, false);
});

function commandThat(run: Command["run"]): Command {
  return defineCommand({ arguments: [], options: {}, examples: [], run });
}

function callOf(command: Command) {
  return { command, arguments: {}, signal: new AbortController().signal };
}

function surroundings(stdout = new PassThrough()): Surroundings {
  return {
    env: {},
    cwd: "/",
    stdin: new PassThrough(),
    stdout,
    stderr: new PassThrough(),
    onSignals: () => ({ [Symbol.dispose]: () => undefined }),
    exit: () => {
      throw new Error("a tool ended the process");
    },
  };
}
