import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { MakimaError } from "../../core/errors.ts";
import { defaultAgent, defaultConfig } from "./config.ts";
import { loadConfig } from "./load.ts";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "makima-config-"));
});
after(() => rm(directory, { recursive: true, force: true }));

/** Loads `text` as a configuration file; `place` is how problems and sources name it. */
async function load(text: string, env: Record<string, string> = {}) {
  const place = join(await mkdtemp(join(directory, "case-")), "config.toml");
  await writeFile(place, text);
  return { place, loaded: await loadConfig({ env: { HOME: directory, ...env }, flags: { config: place } }) };
}

async function problems(text: string, env: Record<string, string> = {}): Promise<string[]> {
  const error: unknown = await load(text, env).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof MakimaError, "it is refused");
  assert.equal(error.code, "config_invalid");
  return error.message.split("\n").map((line) => line.replace(/^.*\/config\.toml/, "config.toml"));
}

test("nothing configured: the defaults, no file", async () => {
  const loaded = await loadConfig({ env: { HOME: directory } });
  assert.deepEqual(loaded.config, defaultConfig());
  assert.equal(loaded.file, null);
  assert.equal(loaded.home, join(directory, ".local/share/makima"));
  assert.equal(loaded.sources.size, 0);
});

test("the file overrides defaults, the environment overrides the file, and each value knows its source", async () => {
  const text = `[server]\nport = 1\nhost = "::1"\n\n[loop]\nidleTimeout = "1h30m"\n`;
  const { place, loaded } = await load(text, { MAKIMA_SERVER_PORT: "2", MAKIMA_LOOP_MAX_ITERATIONS: "7" });
  const { config, sources } = loaded;
  assert.deepEqual(config.server, { ...defaultConfig().server, host: "::1", port: 2 });
  assert.equal(config.loop.idleTimeoutMs, 5_400_000);
  assert.equal(config.loop.maxIterations, 7);
  assert.deepEqual(Object.fromEntries(sources), {
    "server.port": "MAKIMA_SERVER_PORT",
    "server.host": `${place}:3`,
    "loop.idleTimeout": `${place}:6`,
    "loop.maxIterations": "MAKIMA_LOOP_MAX_ITERATIONS",
  });
});

test("all problems of file and environment are reported at once, each with its place", async () => {
  const text = [
    "[loop]",
    "maxIteration = 5",
    'idleTimeout = "soon"',
    "noChangeThreshold = 0",
    "",
    "[sever]",
    "port = 1",
    "[log]",
    'level = "loud"',
    'passEnv = [\n  "A",\n]',
    "[agents.other]",
    'model = "m"',
    "[agents.Bad]",
    'command = "x"',
  ].join("\n");
  const env = { MAKIMA_SERVER_PORT: "70000", MAKIMA_LOOP_MAX_ITERATION: "3", MAKIMA_LOOP_BASELINE: "maybe" };
  assert.deepEqual(await problems(text, env), [
    "config.toml:2: loop.maxIteration: unknown key, did you mean maxIterations?",
    'config.toml:3: loop.idleTimeout: expected a duration such as "90s", "15m" or "1h30m", not zero',
    "config.toml:4: loop.noChangeThreshold: must be at least 1",
    "config.toml:6: sever: unknown key, did you mean server?",
    "config.toml:9: log.level: expected one of trace, debug, info, warn, error, fatal, silent",
    "config.toml:10: log.passEnv: unknown key",
    "config.toml:13: agents.other: its command is missing",
    'config.toml:14: agents.other.model: only an agent of kind "claude" has this',
    "config.toml:15: agents.Bad: an agent's name is lower-case letters, digits and dashes",
    "environment: MAKIMA_LOOP_MAX_ITERATION: unknown variable, did you mean MAKIMA_LOOP_MAX_ITERATIONS?",
    "MAKIMA_LOOP_BASELINE: loop.baseline: expected true or false",
    "MAKIMA_SERVER_PORT: server.port: must be at most 65535",
  ]);
});

test("a syntax error names its line", async () => {
  assert.deepEqual(await problems("[server]\nport == 1\n"), ["config.toml:2: invalid value"]);
});

test("prototype keys are plain unknown keys", async () => {
  assert.deepEqual(await problems("[__proto__]\nport = 1\n[constructor]\n"), [
    "config.toml:1: __proto__: unknown key",
    "config.toml:3: constructor: unknown key",
  ]);
});

test("a named file must exist; the default one is found under XDG_CONFIG_HOME", async () => {
  const missing = join(directory, "missing.toml");
  await assert.rejects(loadConfig({ env: {}, flags: { config: missing } }), {
    code: "config_invalid",
    message: `Cannot read ${missing}: no such file or directory`,
  });
  await assert.rejects(loadConfig({ env: { MAKIMA_CONFIG: missing } }), /which MAKIMA_CONFIG names/);
  const file = join(directory, "xdg", "makima", "config.toml");
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, "[server]\nport = 3\n");
  const loaded = await loadConfig({ env: { HOME: directory, XDG_CONFIG_HOME: join(directory, "xdg") } });
  assert.equal(loaded.file, file);
  assert.equal(loaded.config.server.port, 3);
});

test("variables: lists by comma or TOML, texts that look like numbers, empty means unset", async () => {
  const { config } = await loadConfig({
    env: {
      HOME: directory,
      MAKIMA_PROCESS_PASS_ENV: "A, B",
      MAKIMA_DAEMON_REPOSITORIES: '["/x,y"]',
      MAKIMA_DAEMON_NAME: "42",
      MAKIMA_LOG_LEVEL: "",
      MAKIMA_LOOP_BASELINE: "false",
      MAKIMA_AGENTS_CLAUDE_MODEL: "opus",
      MAKIMA_TASK_ID: "not a setting",
    },
  });
  assert.deepEqual(config.process.passEnv, ["A", "B"]);
  assert.deepEqual(config.daemon.repositories, ["/x,y"]);
  assert.equal(config.daemon.name, "42");
  assert.equal(config.log.level, "info");
  assert.equal(config.loop.baseline, false);
  assert.equal(config.agents.claude?.model, "opus");
});

test("agents: claude exists and is adjusted; another one is a command unless it says it is claude", async () => {
  const text = `
    [agents.claude]
    args = ["--verbose"]
    [agents.my-agent]
    command = ["./agent", "./x"]
    env = { TOKEN = "t" }
    [agents.second]
    kind = "claude"
    command = "/opt/claude"`;
  const { place, loaded } = await load(text, { MAKIMA_AGENTS_MY_AGENT_ARGS: "--fast" });
  const { claude, "my-agent": mine, second } = loaded.config.agents;
  assert.deepEqual(claude, { ...defaultAgent("claude"), args: ["--verbose"] });
  const command = [join(dirname(place), "agent"), "./x"];
  assert.deepEqual(mine, { ...defaultAgent("command"), command, args: ["--fast"], env: { TOKEN: "t" } });
  assert.deepEqual(second, { ...defaultAgent("claude"), command: ["/opt/claude"] });
});

test("a table in a section: defaults where it says nothing, the environment over the file, paths made absolute", async () => {
  const text = [
    "worktrees.quota = 'none'",
    "[process]",
    'passEnv = ["A"]',
    "[process.bubblewrap]",
    "enabled = true",
    'writable = ["~/cache", "shared"]',
    'hidden = ["/srv/secret"]',
    'tmpSize = "1.5GiB"',
  ].join("\n");
  const { place, loaded } = await load(text, {
    MAKIMA_PROCESS_BUBBLEWRAP_NETWORK: "none",
    MAKIMA_PROCESS_BUBBLEWRAP_EXTRA_ARGS: '["--setenv", "A", "b,c"]',
    MAKIMA_WORKTREES_ORPHAN_GRACE: "90m",
  });
  const { process: processes, worktrees } = loaded.config;
  assert.deepEqual(processes, {
    passEnv: ["A"],
    bubblewrap: {
      enabled: true,
      writable: [join(directory, "cache"), join(dirname(place), "shared")],
      readonly: [],
      hidden: ["/srv/secret"],
      tmpSizeBytes: 1.5 * 2 ** 30,
      network: "none",
      extraArgs: ["--setenv", "A", "b,c"],
    },
  });
  assert.deepEqual(worktrees, { dir: null, quotaBytes: null, orphanGraceMs: 5_400_000 });
  assert.deepEqual(Object.fromEntries(loaded.sources), {
    "worktrees.quota": `${place}:1`,
    "worktrees.orphanGrace": "MAKIMA_WORKTREES_ORPHAN_GRACE",
    "process.passEnv": `${place}:3`,
    "process.bubblewrap.enabled": `${place}:5`,
    "process.bubblewrap.writable": `${place}:6`,
    "process.bubblewrap.hidden": `${place}:7`,
    "process.bubblewrap.tmpSize": `${place}:8`,
    "process.bubblewrap.network": "MAKIMA_PROCESS_BUBBLEWRAP_NETWORK",
    "process.bubblewrap.extraArgs": "MAKIMA_PROCESS_BUBBLEWRAP_EXTRA_ARGS",
  });
  assert.equal(defaultConfig().process.bubblewrap.enabled, false, "the defaults are nobody's to change");
});

test("problems of a table in a section have their lines, too", async () => {
  const text = [
    "[worktrees]",
    'quota = "lots"',
    "orphanGrace = 5",
    "[process.bublewrap]",
    "[process.bubblewrap]",
    'enable = "yes"',
    'writable = "/tmp"',
    'tmpSize = "none"',
    'network = "lan"',
    "extraArgs = [1]",
  ].join("\n");
  assert.deepEqual(await problems(text, { MAKIMA_PROCESS_BUBBLEWRAP_ENABLE: "1" }), [
    'config.toml:2: worktrees.quota: expected a size such as "500MB" or "20GB", or "none"',
    'config.toml:3: worktrees.orphanGrace: expected a duration such as "90s", "15m" or "1h30m", not zero',
    "config.toml:4: process.bublewrap: unknown key, did you mean bubblewrap?",
    "config.toml:6: process.bubblewrap.enable: unknown key, did you mean enabled?",
    "config.toml:7: process.bubblewrap.writable: expected a list of texts",
    'config.toml:8: process.bubblewrap.tmpSize: expected a size such as "500MB" or "20GB"',
    "config.toml:9: process.bubblewrap.network: expected one of host, none",
    "config.toml:10: process.bubblewrap.extraArgs.0: expected a text in quotes",
    "environment: MAKIMA_PROCESS_BUBBLEWRAP_ENABLE: unknown variable, did you mean MAKIMA_PROCESS_BUBBLEWRAP_ENABLED?",
  ]);
});

test("paths: ~ is the home, relative ones start at the file", async () => {
  const text = `worktrees.dir = "../wt"\n[daemon]\napiKeyFile = "~/key"\nrepositories = ["~/src/*", "/abs"]\n`;
  const { place, loaded } = await load(text);
  assert.equal(loaded.config.worktrees.dir, join(dirname(place), "../wt"));
  assert.equal(loaded.config.daemon.apiKeyFile, join(directory, "key"));
  assert.deepEqual(loaded.config.daemon.repositories, [join(directory, "src/*"), "/abs"]);
});
