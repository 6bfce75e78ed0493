import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { sandboxVariables } from "../../src/daemon/sandbox/caches.ts";
import { bubblewrapHere } from "../../src/platform/sandbox/fixtures/bwrap.ts";
import { outcomeOf } from "../support/machine.ts";
import type { Machine } from "../support/machine.ts";
import { RunDocument } from "../support/run-document.ts";
import { until } from "../support/until.ts";
import { agentProgram, makeWorkshop } from "../support/workshop.ts";
import type { Workshop } from "../support/workshop.ts";

/** What a person's shell may hold that is no agent's business. */
const CANARY = "canary-4f1d";
const SECRETS = Object.fromEntries(
  [
    "ANTHROPIC_API_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "DATABASE_URL",
    "GITHUB_TOKEN",
    "KUBECONFIG",
    "NPM_TOKEN",
    "SSH_AUTH_SOCK",
    "UNRELATED",
  ].map((name) => [name, `${CANARY}-${name}`]),
);

const LOGIN = "login-of-the-agent";
const NAMED = "named-in-the-configuration";
const FOR_CHECKS = "named-for-checks";

/** PWD is the shim's, which is a shell: the directory that the process is in anyway. */
const BASICS = ["HOME", "LANG", "PATH", "PWD", "TERM"];
const OF_TASK = ["MAKIMA_CONTRACT_ID", "MAKIMA_PORT_BASE", "MAKIMA_RUN_ID", "MAKIMA_TASK_ID"];
/** By the last one a check's processes are found again, to be killed. */
const OF_CHECK = [...BASICS, ...OF_TASK, "FOR_CHECKS", "MAKIMA_CHECK_ID"];
const OF_AGENT = [...BASICS, ...OF_TASK, "LOGIN", "MAKIMA_API_KEY", "MAKIMA_API_URL", "NAMED"];

const CONFIG = `[process]
passEnv = ["FOR_CHECKS"]

[agents.candid]
command = ["${agentProgram("shows-surroundings.sh")}"]
env = { LOGIN = "${LOGIN}" }
passEnv = ["NAMED"]
`;

const { missing: skip } = await bubblewrapHere();

describe("what is nobody else's business", { concurrency: 2 }, () => {
  it("an agent is given makima's variables and its login, a check neither key nor login, and nobody anything else", async () => {
    await using shop = await makeWorkshop({ config: CONFIG });
    const { agent, check, outside } = await lookAround(shop);
    assert.deepEqual(Object.keys(agent).toSorted(), OF_AGENT.toSorted());
    assert.deepEqual([agent["LOGIN"], agent["NAMED"]], [LOGIN, NAMED]);
    assert.match(agent["MAKIMA_API_KEY"] ?? "", /^mk_task_/);
    assert.deepEqual(Object.keys(check).toSorted(), OF_CHECK.toSorted());
    requireDiscreet(outside, agent);
  });

  it(
    "no more in a sandbox, but for places to write to, and nothing else is to be seen from there",
    { skip },
    async () => {
      await using shop = await makeWorkshop({ config: CONFIG });
      const { agent, check, outside, files } = await lookAround(shop, "--bubblewrap");
      const places = Object.keys(sandboxVariables(null));
      assert.deepEqual(Object.keys(agent).toSorted(), [...OF_AGENT, ...places].toSorted());
      assert.deepEqual(Object.keys(check).toSorted(), [...OF_CHECK, ...places].toSorted());
      requireDiscreet(outside, agent);
      // All that there is inside was started with the agent's environment, the init process included.
      for (const file of ["first.env", "visible.env"]) {
        const seen = files(file);
        assert.match(seen, /^MAKIMA_RUN_ID=/m);
        assert.ok(!seen.includes(CANARY), file);
      }
    },
  );

  it("makima's data can be read by its person alone", async () => {
    await using shop = await makeWorkshop({ agent: { program: "is-ready-at-once.sh" } });
    const { code, stderr } = await shop.run("Work", "--check", "true");
    assert.equal(code, 0, stderr);
    const { makimaHome } = shop.machine;
    const files = (await readdir(makimaHome, { recursive: true })).filter((file) => !file.startsWith("worktrees/"));
    assert.ok(files.includes("user.key") && files.some((file) => file.endsWith("/events")));
    const open = [];
    for (const file of [".", ...files]) {
      const { mode } = await stat(join(makimaHome, file));
      if ((mode & 0o077) !== 0) open.push(`${file} ${(mode & 0o777).toString(8)}`);
    }
    assert.deepEqual(open, []);
  });
});

type Variables = Record<string, string>;

interface Surroundings {
  /** What the agent was started with, and what a check was. */
  agent: Variables;
  check: Variables;
  /** The processes that stand between makima and the agent, and the agent, as anybody on the machine sees them. */
  outside: { command: string; environ: Variables }[];
  /** What the agent has written down. */
  files: (name: string) => string;
}

/** A run whose agent and check print their environment, while makima's is full of secrets. */
async function lookAround(shop: Workshop, ...options: string[]): Promise<Surroundings> {
  const { machine } = shop;
  const check = "tr '\\0' '\\n' </proc/$$/environ";
  const args = ["run", "Look around", "--agent", "candid", "--json", "--check", check, ...options];
  const env = { ...SECRETS, NAMED, FOR_CHECKS, TERM: "dumb", TMPDIR: tmpdir() };
  const running = outcomeOf(machine.start(args, { cwd: shop.repository, env }));
  await until(() => globSync(join(machine.makimaHome, "worktrees/*/shown")).length > 0, "the agent has looked around");
  const outside = await processesOfRun(machine);
  await writeFile(join(machine.home, "finish"), "");
  const { code, stdout, stderr } = await running;
  assert.equal(code, 0, stderr);
  const { task } = RunDocument.parse(JSON.parse(stdout));
  const files = (name: string): string => shop.show(task.branch, name);
  const [checked = ""] = globSync(join(machine.makimaHome, "runs/*/iterations/*/checks/*/out"));
  await requireSilent(machine);
  return { agent: variablesIn(files("own.env")), check: variablesIn(readFileSync(checked, "utf8")), outside, files };
}

/** All but makima's own, which have what a person's shell has. */
async function processesOfRun(machine: Machine): Promise<Surroundings["outside"]> {
  const found: Surroundings["outside"] = [];
  for (const pid of await machine.processes()) {
    const read = async (file: string): Promise<string> =>
      (await readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")).replaceAll("\0", "\n");
    const command = await read("cmdline");
    if (command !== "" && !command.startsWith(process.execPath))
      found.push({ command, environ: variablesIn(await read("environ")) });
  }
  return found;
}

/** No argument list shows a secret, and no process has more than the agent; the shim has next to nothing. */
function requireDiscreet(outside: Surroundings["outside"], agent: Variables): void {
  const secrets = [CANARY, LOGIN, NAMED, agent["MAKIMA_API_KEY"] ?? ""];
  const bare = outside.filter(({ environ }) => Object.keys(environ).join() === "PATH");
  assert.ok(bare.length >= 3, "the shim's shells and its writers are among them");
  for (const { command, environ } of outside) {
    assert.ok(!secrets.some((secret) => command.includes(secret)), command);
    const more = Object.keys(environ).filter((name) => agent[name] !== environ[name] && name !== "PATH");
    assert.deepEqual(more, [], command);
  }
}

/** Nothing that makima has written down holds what its own environment was full of. */
async function requireSilent({ makimaHome }: Machine): Promise<void> {
  const files = (await readdir(makimaHome, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
  for (const { parentPath, name } of files) {
    const content = await readFile(join(parentPath, name), "latin1").catch(() => "");
    assert.ok(!content.includes(CANARY), join(parentPath, name));
  }
}

function variablesIn(environ: string): Variables {
  const lines = environ.split("\n").filter((line) => line.includes("="));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}
