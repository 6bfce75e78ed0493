import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runCommand } from "../process/command.ts";
import { FIXES } from "./causes.ts";
import { diagnoseSandbox, kernelFindings } from "./diagnose.ts";
import { findBubblewrap } from "./find.ts";
import { bubblewrapHere } from "./fixtures/bwrap.ts";

const { bwrap, missing } = await bubblewrapHere();
const options = { skip: missing };

test("a machine that can make sandboxes is told so", options, async () => {
  assert.equal(await findBubblewrap({ PATH: "relative:/nowhere" }), bwrap);
  const findings = await diagnoseSandbox({ PATH: "/usr/bin:/bin" });
  assert.deepEqual(
    findings.map(({ name, state, fix }) => [name, state, fix]),
    [
      ["bubblewrap", "ok", null],
      ["bwrap's mode", "ok", null],
      ["sandbox", "ok", null],
    ],
  );
});

test("a bwrap that is too old, or is none, is not used", async () => {
  await using stand = await StandIn.make("echo bubblewrap 0.7.10");
  const refused = { code: "sandbox_unavailable", message: /0\.7\.10.*0\.8\.0/, hint: FIXES.upgrade() };
  await assert.rejects(findBubblewrap(stand.environment), refused);
  assert.deepEqual((await diagnoseSandbox(stand.environment))[0]?.state, "broken");
  await using mute = await StandIn.make("exit 1");
  await assert.rejects(findBubblewrap(mute.environment), { code: "sandbox_unavailable", hint: FIXES.install() });
  await using newer = await StandIn.make("echo bubblewrap 0.11.0");
  assert.equal(await findBubblewrap(newer.environment), newer.bwrap);
});

test("what is no program is passed over", options, async () => {
  await using stand = await StandIn.make("echo bubblewrap 0.11.0");
  await chmod(stand.bwrap, 0o644);
  assert.equal(await findBubblewrap(stand.environment), bwrap);
  await rm(stand.bwrap);
  await mkdir(stand.bwrap);
  assert.equal(await findBubblewrap(stand.environment), bwrap);
});

test("a bwrap that the kernel refuses is told with the cause, and the kernel's settings", async () => {
  const words = "bwrap: setting up uid map: Permission denied";
  await using stand = await StandIn.make(
    `[ "$1" != --version ] || exec echo bubblewrap 0.9.0; echo ${words} >&2; exit 1`,
  );
  await chmod(stand.bwrap, 0o4755);
  const findings = await diagnoseSandbox(stand.environment);
  const broken = findings.filter(({ state }) => state === "broken").map(({ name }) => name);
  assert.deepEqual(broken, ["bwrap's mode", "sandbox"]);
  assert.equal(findings[1]?.fix, FIXES.setuid(stand.bwrap));
  assert.match(findings.at(-1)?.detail ?? "", /refuses user namespaces/);
  assert.ok(findings.some(({ name }) => name === "user namespaces"));
});

test("each setting of the kernel that may be to blame is told with what mends it", () => {
  const settings = { maxUserNamespaces: 0, unprivilegedUserNamespaces: 0, apparmorRestriction: 1 };
  assert.deepEqual(
    kernelFindings("/bin/bwrap", settings).map(({ state, fix }) => [state, fix]),
    [
      ["broken", FIXES.namespaces()],
      ["note", FIXES.unprivileged()],
      ["note", FIXES.apparmor("/bin/bwrap")],
    ],
  );
  const open = { maxUserNamespaces: 1000, unprivilegedUserNamespaces: null, apparmorRestriction: 0 };
  assert.deepEqual(
    kernelFindings("/bin/bwrap", open).map(({ state }) => state),
    ["ok", "ok"],
  );
  const none = { maxUserNamespaces: null, unprivilegedUserNamespaces: null, apparmorRestriction: null };
  assert.equal(kernelFindings("/bin/bwrap", none)[0]?.fix, FIXES.kernel());
});

test("user namespaces that are turned off are named as the cause, for real", options, async () => {
  const script = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"';
  const probe = [process.execPath, join(import.meta.dirname, "fixtures/probe.ts"), bwrap ?? ""];
  const limits = { timeoutMs: 60_000, maxOutputBytes: 64 * 1024 };
  const argv = ["unshare", "--user", "--map-root-user", "/bin/sh", "-c", script, "sh", ...probe];
  const { stdout } = await runCommand(argv, { cwd: "/", env: { PATH: "/usr/bin:/bin" }, ...limits });
  assert.deepEqual(JSON.parse(stdout.toString("utf8")), {
    code: "sandbox_unavailable",
    message: "The sandbox does not start: user namespaces are turned off (user.max_user_namespaces=0)",
    hint: FIXES.namespaces(),
  });
});

/** A program in the place of bwrap. */
class StandIn implements AsyncDisposable {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async make(script: string): Promise<StandIn> {
    const stand = new StandIn(await mkdtemp(join(tmpdir(), "bwrap-")));
    await writeFile(stand.bwrap, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return stand;
  }

  get bwrap(): string {
    return join(this.#dir, "bwrap");
  }

  get environment() {
    return { PATH: this.#dir };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#dir, { recursive: true });
  }
}
