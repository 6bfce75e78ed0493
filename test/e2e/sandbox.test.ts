import assert from "node:assert/strict";
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { it } from "node:test";
import { bubblewrapHere } from "../../src/platform/sandbox/fixtures/bwrap.ts";
import type { TaskDetail } from "../../src/protocol/api.ts";
import { bash, say } from "../scripted-model/script.ts";
import type { Step, Turn } from "../scripted-model/script.ts";
import { statusOf, tasksByName, theContract } from "../support/contract.ts";
import { until } from "../support/until.ts";
import { claim, gate, makeWorkshop, promptsOf, treeOf } from "../support/workshop.ts";
import type { Workshop } from "../support/workshop.ts";

/** Sandboxed, with the real Claude Code inside. That the repository is as before, every workshop sees to itself. */

const { missing: skip } = await bubblewrapHere();

const TRY = `exec >report.txt 2>&1
  touch "$HOME/outside" || echo "home refused"
  touch "$(git config remote.origin.url)/outside" || echo "repository refused"
  grep . "$HOME/.ssh/id_rsa" || echo "key hidden"
  ls "$HOME"/data/runs/*/spec.json || echo "runs hidden"
  grep -az ANTHROPIC_API_KEY /proc/self/environ /proc/$PPID/environ || echo "no key in the environment"
  grep -r made-up "$HOME/data" || echo "no key in a file"
  echo kept >/tmp/kept && echo "scratch $(cat /tmp/kept)"
  echo one >one.txt && git add one.txt && git commit --quiet --message "By the agent" && git gc --quiet
  makima contract status --json | grep -o '"name":"[^"]*"' | head -n 1
  makima contract report "Half of it is done"`;

it("a sandboxed run works with makima, git and its session, and reaches nothing else", { skip }, async () => {
  const notReady = say(gate(false, { reason: "half of it", blockers: ["the other half"] }));
  await using shop = await makeWorkshop({
    turns: [
      [bash(TRY), notReady],
      [bash("ls /tmp/kept || echo two >two.txt"), claim("Wrote two.txt")],
    ],
    claude: "mcp = true\napiKeyHelper = true",
  });
  await mkdir(join(shop.machine.home, ".ssh"));
  await writeFile(join(shop.machine.home, ".ssh/id_rsa"), "secret\n");
  const check = 'test -f two.txt && ! touch "$HOME/checked"';
  const { code, document, stderr } = await shop.run(
    "Write two files",
    "--name",
    "Files",
    "--bubblewrap",
    "--check",
    check,
  );
  assert.equal(code, 0, stderr);
  const { task, verification, worktree } = document;
  assert.deepEqual([verification, worktree], ["verified", null]);
  assert.equal(new Set(document.iterations.map(({ sessionId }) => sessionId)).size, 1);
  const { "report.txt": report, ...files } = treeOf(shop, task.branch ?? "");
  assert.deepEqual(files, { "a.txt": "one\n", "one.txt": "one\n", "two.txt": "two\n" });
  for (const line of [
    "home refused",
    "repository refused",
    "key hidden",
    "runs hidden",
    "scratch kept",
    "no key in the environment",
    "no key in a file",
    '"name":"Files"',
  ])
    assert.ok(report?.includes(`${line}\n`), `${line}: ${report}`);
  assert.doesNotMatch(report ?? "", /secret/);
  const subjects = shop.git("log", "--format=%an %s", `${shop.base}..${task.branch}`);
  assert.deepEqual(subjects.split("\n"), ["Ada Wrote two.txt", "Ada By the agent"]);
  const detail = (await shop.machine.get(`/api/v1/tasks/${task.id}`)) as TaskDetail;
  assert.equal(detail.sandbox, "bubblewrap");
  await requireNoCheckout(shop);
  assert.ok(shop.model.requests.some(({ body }) => JSON.stringify(body["tools"]).includes("mcp__makima__")));
});

const PLAN = "Write the greeting";

const DRIVE = `{ makima contract create-file plan "One task" && makima supervisor advance-phase &&
  makima supervisor spawn greeting --plan "${PLAN}" --json >/tmp/spawned &&
  id=$(node -pe 'JSON.parse(require("fs").readFileSync("/tmp/spawned", "utf8")).task.id') &&
  makima supervisor wait "$id" --timeout 100s && makima supervisor diff "$id" && makima supervisor merge "$id" &&
  touch "$HOME/outside"; makima contract complete; } 2>&1`;

it("a sandboxed contract is supervised, worked on, merged and completed", { skip }, async () => {
  const turns = ({ prompt, iteration }: Turn): Step[] => {
    if (prompt.startsWith(PLAN)) return [bash("echo hello >greeting.txt; touch ~/outside || true"), claim()];
    return iteration === 0 ? [bash(DRIVE), claim()] : [claim()];
  };
  await using shop = await makeWorkshop({ turns });
  const goal = ["--name", "Greetings", "--goal", "Greet whoever comes", "--autonomous-loop"];
  const check = '! touch "$HOME/checked" 2>/dev/null';
  const created = await shop.makima("contract", "create", ...goal, "--bubblewrap", "--check", check);
  assert.equal(created.code, 0, created.stderr);
  const { id } = await theContract(shop.machine);
  const { contract } = await until(
    async () => {
      const status = await statusOf(shop.machine, id);
      const tasks = [...(await tasksByName(shop.machine)).values()];
      const over = tasks.every((task) => ["completed", "failed", "cancelled"].includes(task.status));
      return over && tasks.length > 0 && status;
    },
    "every task has ended",
    110_000,
  );
  const tasks = [...(await tasksByName(shop.machine)).values()];
  assert.deepEqual(
    tasks.map(({ name, status, merge }) => `${name} ${status} ${merge}`).toSorted(),
    ["Greetings completed null", "greeting completed merged"],
    JSON.stringify(promptsOf(shop.model)),
  );
  assert.equal(contract.status, "completed");
  assert.deepEqual(treeOf(shop, contract.integrationBranch), { "a.txt": "one\n", "greeting.txt": "hello\n" });
  assert.ok(!(await readdir(shop.machine.home)).some((name) => ["outside", "checked"].includes(name)));
  await until(
    () =>
      requireNoCheckout(shop).then(
        () => true,
        () => false,
      ),
    "the checkouts are gone",
  );
});

it("a run that is to be sandboxed fails where the kernel refuses that, with cause and fix, and makes nothing", async () => {
  await using shop = await makeWorkshop({});
  const { environment, root } = shop.machine;
  const bin = join(root, "refusing");
  await mkdir(bin);
  const bwrap = `#!/bin/sh\n[ "$1" != --version ] || exec echo bubblewrap 0.9.0\n`;
  await writeFile(join(bin, "bwrap"), `${bwrap}echo "bwrap: setting up uid map: Permission denied" >&2\nexit 1\n`);
  await chmod(join(bin, "bwrap"), 0o755);
  environment["PATH"] = [bin, environment["PATH"]].join(delimiter);
  const { code, document, stderr } = await shop.run("Work safely", "--bubblewrap");
  assert.deepEqual([code, document.task.status], [6, "failed"], stderr);
  assert.match(stderr, /sandbox_unavailable.*the kernel refuses user namespaces.*hint/);
  const detail = (await shop.machine.get(`/api/v1/tasks/${document.task.id}`)) as TaskDetail;
  assert.equal(detail.errorCode, "sandbox_unavailable");
  assert.notEqual(detail.hint, null);
  assert.deepEqual([shop.model.requests.length, shop.leftovers()], [0, []]);
  await requireNoCheckout(shop);
});

async function requireNoCheckout({ machine }: Workshop): Promise<void> {
  const names = await readdir(join(machine.makimaHome, "worktrees"));
  assert.deepEqual(
    names.filter((name) => !name.startsWith(".")),
    [],
  );
}
