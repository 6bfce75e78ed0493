import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { showOnDesktop } from "./desktop.ts";

/** Keeps its arguments, its stdin and what it sees of the environment, each ended by NUL. */
const RECORDER = `#!/bin/sh
printf '%s\\0' "$@" > "$HOME/arguments"
cat > "$HOME/input"
env > "$HOME/environment"
`;

const MEAN = { title: "--help", body: '-e "quit" `id` $(id) \\n <b>&</b> "\n; do shell script' };

test("notify-send gets the texts as arguments that are no options, markup or escapes", async () => {
  await using desktop = await fakeDesktop("notify-send", RECORDER);
  assert.deepEqual(await desktop.show("linux"), { kind: "shown" });
  const body = '-e "quit" `id` $(id) \\\\n &lt;b&gt;&amp;&lt;/b&gt; "\n; do shell script';
  assert.deepEqual(await desktop.arguments(), ["--app-name=makima", "--", "--help", body]);
  const environment = await readFile(join(desktop.home, "environment"), "utf8");
  assert.match(environment, /^DBUS_SESSION_BUS_ADDRESS=unix:path=\/bus$/m);
  assert.doesNotMatch(environment, /SECRET/);
});

test("osascript gets the texts as arguments of a fixed script", async () => {
  await using desktop = await fakeDesktop("osascript", RECORDER);
  assert.deepEqual(await desktop.show("darwin"), { kind: "shown" });
  assert.deepEqual(await desktop.arguments(), ["-", MEAN.title, MEAN.body]);
  const script = await readFile(join(desktop.home, "input"), "utf8");
  assert.match(script, /^on run argv\n.*item 2 of argv.*\nend run\n$/);
});

test("a missing command is told apart from one that fails", async () => {
  await using desktop = await fakeDesktop("notify-send", "#!/bin/sh\necho no session >&2\nexit 1\n");
  assert.deepEqual(await desktop.show("linux"), { kind: "failed", problem: "notify-send: no session" });
  assert.deepEqual(await desktop.show("darwin"), { kind: "missing", problem: "osascript is not installed" });
  assert.equal((await desktop.show("sunos")).kind, "missing");
});

async function fakeDesktop(program: string, script: string) {
  const home = await mkdtemp(join(tmpdir(), "makima-desktop-"));
  await writeFile(join(home, program), script, { mode: 0o755 });
  const system = ["/usr/bin", "/bin"].join(delimiter);
  const env = { PATH: home, HOME: home, DBUS_SESSION_BUS_ADDRESS: "unix:path=/bus", SECRET: "s3cret" };
  // Only the recorder needs the system's programs; the real commands must not be found in their place.
  if (script === RECORDER) env.PATH = `${home}${delimiter}${system}`;
  const signal = new AbortController().signal;
  return {
    home,
    show: (platform: NodeJS.Platform) => showOnDesktop(MEAN, { platform, env, signal }),
    arguments: async () => (await readFile(join(home, "arguments"), "utf8")).split("\0").slice(0, -1),
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}
