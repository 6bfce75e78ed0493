import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdir, readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { commandLine } from "../../../test/support/command-line.ts";
import { cli, makeMachine } from "../../../test/support/machine.ts";
import type { Machine, Outcome } from "../../../test/support/machine.ts";
import { hashRepository, openTestRepository, writeFiles } from "../../../test/support/repository.ts";
import type { TestRepository } from "../../../test/support/repository.ts";
import { until } from "../../../test/support/until.ts";
import { bubblewrapHere } from "../../platform/sandbox/fixtures/bwrap.ts";

const { missing: skip } = await bubblewrapHere();

let machine: Machine;
let repository: TestRepository;
before(async () => {
  machine = await makeMachine();
  repository = await openTestRepository();
});
after(async () => {
  await repository[Symbol.asyncDispose]();
  await machine[Symbol.asyncDispose]();
});

function sandbox(words: string[], input = ""): Promise<Outcome> {
  return machine.makima(["sandbox", ...words], { cwd: repository.dir, input });
}

async function trials(): Promise<string[]> {
  return readdir(join(machine.makimaHome, "trials"));
}

test("a command has our streams and exit code, a clone to itself, and leaves nothing", { skip }, async () => {
  const hash = await hashRepository(repository.dir);
  const refs = repository.run(repository.dir, "for-each-ref");
  const script = `cat; cat a.txt; git log -1 --format=%s; echo x > new && git add new && git commit --quiet -m mine
    git branch left; pwd >&2; touch "$HOME/x" || exit 7`;
  const { code, stdout, stderr } = await sandbox(["--", "sh", "-c", script], "from outside\n");
  assert.equal(code, 7, stderr);
  assert.equal(stdout, "from outside\none\nFirst\n");
  assert.match(stderr, new RegExp(`^${machine.makimaHome}/trials/.*/checkout$`, "m"));
  assert.match(stderr, /Read-only file system/);
  assert.deepEqual(await trials(), []);
  assert.equal(await hashRepository(repository.dir), hash);
  assert.equal(repository.run(repository.dir, "for-each-ref"), refs);
});

test("a file that it is to read it cannot write, and a directory is no way out", { skip }, async () => {
  await writeFiles(machine.home, { "input.txt": "kept\n" });
  const redirected = (from: string, script: string) =>
    spawn(
      "sh",
      ["-c", `exec "$@" < "$HOME/${from}"`, "sh", process.execPath, cli, "sandbox", "--", "sh", "-c", script],
      {
        cwd: repository.dir,
        env: machine.environment,
      },
    );
  const file = redirected("input.txt", "cat; echo forged > /proc/self/fd/0; ls -A; exit 7");
  assert.equal(await text(file.stdout), "kept\n.git\na.txt\n");
  assert.equal(file.exitCode ?? (await new Promise((resolve) => file.once("exit", resolve))), 7);
  assert.equal(await readFile(join(machine.home, "input.txt"), "utf8"), "kept\n");

  const directory = redirected(".", "touch /proc/self/fd/0/escaped");
  assert.match(await text(directory.stderr), /The input is a directory/);
  assert.equal((await readdir(machine.home)).includes("escaped"), false);
});

test("what a shell would say of a missing program, and of one that a signal ends", { skip }, async () => {
  const missing = await sandbox(["--json", "--", "no-such-program"]);
  assert.equal(missing.code, 127);
  assert.match(missing.stderr, /no-such-program: not found/);
  assert.equal((await sandbox(["--", "sh", "-c", "kill -TERM $$"])).code, 143);
});

test("there is no network where none is wanted", { skip }, async () => {
  const { stdout } = await sandbox([
    "--network",
    "none",
    "--",
    "sh",
    "-c",
    "ls /sys/class/net /proc/self/net > /dev/null; cat /proc/net/dev",
  ]);
  assert.deepEqual(
    stdout.match(/^ *[^ :]+(?=:)/gm)?.map((name) => name.trim()),
    ["lo"],
  );
});

/** Says so when it can be interrupted: a shell that is about to start a command may miss the signal. */
const WAIT = `import time
print("ready", flush=True)
time.sleep(600)`;

test("a signal ends it and its clone; what a killed one leaves goes at the next start", { skip }, async () => {
  const start = async () => {
    const child = machine.start(["sandbox", "--", "python3", "-c", WAIT], { cwd: repository.dir });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    return { child, exit: new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal))) };
  };
  const interrupted = await start();
  interrupted.child.kill("SIGINT");
  assert.equal(await interrupted.exit, 130);
  assert.deepEqual(await trials(), []);

  const killed = await start();
  killed.child.kill("SIGKILL");
  assert.equal(await killed.exit, "SIGKILL");
  await until(async () => (await machine.processes()).length === 0, "the command ends with what started it");
  assert.equal((await trials()).length, 2, "the clone and its record are left");
  await sandbox(["--", "true"]);
  assert.deepEqual(await trials(), []);
});

/** What stands on a terminal of its own in the end, where Ctrl-C is typed once the command says that it is ready. */
async function onTerminal(command: string): Promise<string> {
  // The shell of the terminal is to outlive Ctrl-C.
  const line = `trap : INT; '${process.execPath}' '${cli}' sandbox -- ${command}; echo "code $?"`;
  const options = { cwd: repository.dir, env: { ...machine.environment, SHELL: "/bin/sh" } };
  const terminal = spawn("script", ["--quiet", "--command", line, "/dev/null"], options);
  let shown = "";
  for await (const chunk of terminal.stdout.setEncoding("utf8")) {
    shown += String(chunk);
    if (shown.includes("ready")) terminal.stdin.end("\u0003");
  }
  return shown;
}

/** TIOCSTI puts a line into the input of the terminal, as if it had been typed. */
const TYPE = `import fcntl
for letter in "echo typed": fcntl.ioctl(0, 0x5412, letter.encode())`;

test("on a terminal it is one, cannot be typed into, and Ctrl-C is for it", { skip }, async () => {
  const { home } = machine;
  await writeFiles(home, { "type.py": TYPE, "wait.py": WAIT });
  const look = `test -t 0 && test -t 1 && echo a terminal; python3 ${home}/type.py; python3 ${home}/wait.py`;
  const shown = await onTerminal(`sh -c '${look}'`);
  assert.match(shown, /^a terminal\r$/m);
  assert.match(shown, /^(PermissionError|OSError)/m);
  assert.match(shown, /code 130\r$/m);

  const script = `trap "echo interrupted" INT; ls -l /proc/self/fd; python3 ${home}/wait.py; echo goes on; exit 5`;
  const kept = await onTerminal(`bash -c '${script}'`);
  assert.match(kept, /interrupted\r\ngoes on\r\ncode 5\r$/m);
  assert.doesNotMatch(kept, /[3-9] -> (?!\/proc\/)/, "nothing is open but its streams");
  assert.deepEqual(await trials(), []);
});

test("bad input is refused before anything is made", { skip }, async () => {
  const empty = join(repository.root, "empty");
  await mkdir(empty);
  execFileSync("git", ["init", "--quiet", empty]);
  const cases: [words: string[], code: number, message: RegExp][] = [
    [[], 2, /missing required argument 'command'/i],
    [["--"], 2, /missing required argument 'command'/i],
    [["--", ""], 2, /The command is empty/],
    [["--netwrok", "none", "--", "true"], 2, /unknown option '--netwrok'/i],
    [["ls", "-l"], 2, /unknown option '-l'/i],
    [["--network", "lan", "--", "true"], 2, /"lan" is not understood/],
    [["--repo", repository.root, "--", "true"], 2, /is not in a git repository/],
    [["--repo", join(repository.root, "missing"), "--", "true"], 2, /There is no directory/],
    [["--repo", empty, "--", "true"], 2, /has no commit yet/],
    [["--config", join(repository.root, "missing.toml"), "--", "true"], 2, /Cannot read/],
  ];
  await rm(join(machine.makimaHome, "trials"), { recursive: true, force: true });
  for (const [words, code, message] of cases) {
    const said = await commandLine(["sandbox", ...words], { env: machine.environment });
    assert.deepEqual([said.code, said.stdout], [code, ""], said.stderr);
    assert.match(said.stderr, message);
  }
  await assert.rejects(trials(), { code: "ENOENT" });
});

/** The command line on a machine without bubblewrap: a namespace of mounts in which nothing is where it was. */
function withoutBubblewrap(words: string[], env: Record<string, string> = {}): Promise<Outcome> {
  const hide =
    'for at in /usr/bin/bwrap /usr/local/bin/bwrap; do test ! -e $at || mount --bind /dev/null $at; done; exec "$@"';
  const namespace = ["--user", "--map-root-user", "--mount", "sh", "-c", hide, "sh", process.execPath, cli];
  const child = spawn("unshare", [...namespace, ...words], {
    cwd: repository.dir,
    env: { ...machine.environment, ...env },
  });
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  return Promise.all([code, text(child.stdout), text(child.stderr)]).then(([exit, stdout, stderr]) => ({
    code: exit,
    stdout,
    stderr,
  }));
}

test("without bubblewrap it says how to get it, and so does doctor", { skip }, async () => {
  const refused = await withoutBubblewrap(["sandbox", "--", "true"]);
  assert.equal(refused.code, 6, refused.stderr);
  assert.match(refused.stderr, /^makima: Bubblewrap is not installed\nhint: .*install/);
  assert.deepEqual(await withoutBubblewrap(["up", "--bubblewrap"]), refused);
  const configured = { MAKIMA_PROCESS_BUBBLEWRAP_ENABLED: "true" };
  const { stderr } = await withoutBubblewrap(["daemon"], configured);
  assert.match(
    stderr,
    /^makima: warning: Every task will fail: Bubblewrap is not installed. .*install.*\nmakima: No server/,
  );
  const states: [enabled: string, state: string][] = [
    ["false", "note"],
    ["true", "broken"],
  ];
  for (const [enabled, state] of states) {
    const { stdout } = await withoutBubblewrap(["doctor", "--json"], { MAKIMA_PROCESS_BUBBLEWRAP_ENABLED: enabled });
    const { checks } = JSON.parse(stdout) as { checks: { name: string; state: string; fix: string | null }[] };
    const found = checks.find(({ name }) => name === "bubblewrap");
    assert.equal(found?.state, state);
    assert.match(found.fix ?? "", /install/);
  }
});

test("doctor prints what can be pasted into a shell, or a list", { skip }, async () => {
  const { code, stdout, stderr } = await machine.makima(["doctor", "--sandbox", "--repo", repository.dir]);
  assert.equal(code, 0, stderr);
  const input = 'cat a.txt; touch "$HOME/x" || exit 9\n';
  const pasted = spawn("sh", ["-c", stdout], { env: machine.environment });
  pasted.stdin.end(input);
  assert.equal(await text(pasted.stdout), "one\n");
  assert.equal(pasted.exitCode ?? (await new Promise((resolve) => pasted.once("exit", resolve))), 9);
  const checkout = /^git clone \S+ --shared \S+ (\S+)$/m.exec(stdout)?.[1] ?? "";
  assert.match(checkout, /makima-sandbox-/);
  await rm(checkout, { recursive: true });

  const listed = await commandLine(["doctor", "--sandbox", "--json", "--repo", repository.dir], {
    env: machine.environment,
  });
  const words = JSON.parse(listed.stdout) as string[];
  assert.match(words[0] ?? "", /\/bwrap$/);
  assert.equal(words[words.indexOf("--cap-drop") + 1], "ALL");
  for (const given of [
    ["--repo", repository.dir],
    ["--config", "--sandbox"],
  ]) {
    const refused = await commandLine(["doctor", ...given], { env: machine.environment });
    assert.deepEqual([refused.code, refused.stdout], [2, ""]);
  }
});
