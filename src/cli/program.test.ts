import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { commandLine } from "../../test/support/command-line.ts";
import { cli, makeMachine } from "../../test/support/machine.ts";
import type { Machine } from "../../test/support/machine.ts";
import { runCommand } from "../platform/process/command.ts";
import { CATALOG } from "./catalog.ts";

let machine: Machine;
before(async () => {
  machine = await makeMachine();
});
after(() => machine[Symbol.asyncDispose]());

test("without arguments it prints its help", async () => {
  const { code, stdout, stderr } = await machine.makima([]);
  assert.equal(code, 0);
  assert.equal(stderr, "");
  for (const name of Object.keys(CATALOG)) assert.match(stdout, new RegExp(`^  ${name} `, "m"));
});

test("--version prints the version and nothing else", async () => {
  assert.match((await machine.makima(["--version"])).stdout, /^\d+\.\d+\.\d+\n$/);
});

/** Every command that can be run, by the words that name it. */
const COMMANDS = Object.entries(CATALOG).flatMap(([noun, { load, verbs = {} }]) => [
  { words: [noun], load },
  ...Object.entries(verbs).map(([verb, entry]) => ({ words: [noun, verb], load: entry.load })),
]);

suite("every command", { concurrency: 2 }, () => {
  for (const { words, load } of COMMANDS) {
    if (load === undefined) continue;
    test(`${words.join(" ")} has a help with its options and examples that name it`, async () => {
      const command = await load();
      const { code, stdout } = await commandLine([...words, "--help"], { env: machine.environment });
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`^Usage: makima ${words.join(" ")} `));
      assert.match(stdout, /\nExamples:\n {2}\$ makima /);
      for (const { flags } of Object.values(command.options)) assert.ok(stdout.includes(`  ${flags} `), flags);
      assert.match(stdout, /--json /);
      assert.ok(command.examples.length > 0);
      for (const [line] of command.examples) assert.match(line, new RegExp(`^makima ${words.join(" ")}\\b`));
    });
  }
});

test("the help of a noun lists its verbs, those of one that is a command itself too", async () => {
  const [key, daemon] = await Promise.all([machine.makima(["help", "key"]), machine.makima(["daemon", "--help"])]);
  for (const verb of ["create", "list", "revoke"]) assert.match(key.stdout, new RegExp(`^  ${verb} `, "m"));
  for (const verb of ["list", "remove"]) assert.match(daemon.stdout, new RegExp(`^  ${verb} `, "m"));
});

test("help of a command can be asked for in both ways", async () => {
  for (const words of [["run"], ["daemon", "list"]]) {
    const [one, other] = await Promise.all([machine.makima(["help", ...words]), machine.makima([...words, "--help"])]);
    assert.match(one.stdout, new RegExp(`^Usage: makima ${words.join(" ")} `));
    assert.equal(one.stdout, other.stdout);
  }
});

const MISUSES: [args: string[], message: RegExp, hint: RegExp][] = [
  [["run", "--chek", "x", "goal"], /Unknown option '--chek'/, /Did you mean --check\?/],
  [["rnu", "goal"], /Unknown command 'rnu'/, /Did you mean run\?/],
  [["run"], /Missing required argument 'goal'/, /makima run --help/],
  [["run", "two", "words"], /Too many arguments/, /quotes/],
  [["run", "--base"], /argument missing/, /makima run --help/],
  [["run", "goal", "--timeout", "soon"], /--timeout "soon" is not understood/, /90s, 15m or 1h30m/],
  [["run", "goal", "--max-iterations", "0"], /--max-iterations "0"/, /whole number from 1/],
  [["ps", "--server", "nowhere"], /not the address of a server/, /http:/],
  [["ps", "--server", "http://127.0.0.1:1"], /no key/, /MAKIMA_API_KEY/],
  [["logs", "--stream", "both", "x"], /no stream "both"/, /out, err, events/],
  [["help", "rnu"], /Unknown command 'rnu'/, /makima --help/],
  [["key"], /"makima key" needs another word/, /makima key --help/],
  [["key", "craete"], /Unknown command 'craete'/, /Did you mean create\?/],
  [["server", "migrat"], /Unknown command 'migrat'/, /Did you mean migrate\?/],
  [["daemon", "list", "--lable"], /Unknown option '--lable'/, /makima daemon list --help/],
  [["daemon", "list", "all"], /Too many arguments/, /quotes/],
  [["key", "create", "--kind", "root"], /--kind "root" is not understood/, /one of user, daemon/],
  [["key", "create", "--kind", "user"], /Kind and name/, /makima key create/],
  [["run", "goal", "--label", "gpu"], /--label "gpu" is not understood/, /gpu=yes/],
  [["notification", "dismiss", "--all", "3f"], /An id and --all/, /the one or the other/],
  [["notification", "dismiss"], /No notification is named/, /makima notification list/],
  [["contract", "update", "3f"], /Nothing to change/, /--name/],
  [["contract", "show"], /No contract is named/, /makima contract list/],
  [["message", "3f", " "], /The message is empty/, /--help/],
  [["server", "migrate", "--database-url", "mysql://db"], /database URL is not one of PostgreSQL/, /postgres:/],
  [["stop"], /No task is named/, /makima ps --all/],
];

suite("misuse", { concurrency: 2 }, () => {
  for (const [args, message, hint] of MISUSES) {
    test(`makima ${args.join(" ")}`, async () => {
      const { code, stdout, stderr } = await commandLine(args, { env: machine.environment });
      assert.equal(code, message.source === "no key" ? 4 : 2);
      assert.equal(stdout, "");
      const [first = "", second = "", ...rest] = stderr.trimEnd().split("\n");
      assert.match(first, new RegExp(`^makima: .*${message.source}`));
      assert.match(second, new RegExp(`^hint: .*${hint.source}`));
      assert.deepEqual(rest, []);
    });
  }
});

test("with --json an error is one document on stderr", async () => {
  const { code, stdout, stderr } = await machine.makima(["ps", "--jsno", "--json"]);
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.deepEqual(JSON.parse(stderr), {
    error: { code: "usage", message: "Unknown option '--jsno'", hint: "Did you mean --json?" },
  });
});

test("output that cannot be written is a failure", async () => {
  const command = [process.execPath, cli, "doctor", "--config"].map((word) => `'${word}'`).join(" ");
  const { exitCode, stderr } = await runCommand(["sh", "-c", `${command} > /dev/full`], {
    cwd: machine.root,
    env: machine.environment,
    timeoutMs: 60_000,
    maxOutputBytes: 64 * 1024,
  });
  assert.equal(exitCode, 6);
  assert.match(stderr.toString(), /^makima: Cannot write the output \(.*ENOSPC.*\)\nhint: /);
});

test("a server that is not there is unavailable", async () => {
  const { code, stderr } = await machine.makima(["ps"], {
    env: { MAKIMA_API_URL: "http://127.0.0.1:1", MAKIMA_API_KEY: "k" },
  });
  assert.equal(code, 6);
  assert.match(stderr, /^makima: Cannot reach the server at http:\/\/127\.0\.0\.1:1 \(.+\)\nhint: /);
});

test("doctor says what is wrong, and how to mend it", async () => {
  const { code, stdout } = await machine.makima(["doctor", "--json"], {
    env: { MAKIMA_AGENTS_CLAUDE_COMMAND: "no-such-claude" },
  });
  assert.equal(code, 1);
  const { healthy, checks } = JSON.parse(stdout) as { healthy: boolean; checks: Record<string, unknown>[] };
  assert.equal(healthy, false);
  const broken = checks.filter(({ state }) => state === "broken").map(({ name }) => name);
  assert.deepEqual(broken, ["agent claude"]);
});

test("doctor --config tells where a value comes from", async () => {
  const { code, stdout } = await machine.makima(["doctor", "--config", "--json"], {
    env: { MAKIMA_LOOP_MAX_ITERATIONS: "7" },
  });
  assert.equal(code, 0);
  const { values } = JSON.parse(stdout) as { values: { key: string; value: unknown; source: string }[] };
  assert.deepEqual(
    values.find(({ key }) => key === "loop.maxIterations"),
    { key: "loop.maxIterations", value: 7, source: "MAKIMA_LOOP_MAX_ITERATIONS" },
  );
});
