import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { hashRepository } from "../../../test/support/repository.ts";
import { eventsOf, openBench, printGate } from "../../../test/support/run.ts";
import type { Bench } from "../../../test/support/run.ts";
import { sandboxesAt } from "../../../test/support/sandboxes.ts";
import { until } from "../../../test/support/until.ts";
import { bubblewrapHere } from "../../platform/sandbox/fixtures/bwrap.ts";
import { carryOn } from "./run.ts";

const { missing: skip } = await bubblewrapHere();

describe("a sandboxed run", { skip }, () => {
  const WORK = `
    echo by hand >>a.txt && git commit --quiet --all --message "By hand"
    echo left >left.txt
    touch "$HOME/outside" "$bench/../repository/outside" || echo refused >>"$bench/refused"
    cat "$HOME/.ssh/id_rsa" >"$bench/key"
    git -C "$bench/../repository" update-ref refs/heads/main HEAD~0 2>/dev/null; git config user.name Eve
    env >"$bench/env"; ${printGate(true)}`;

  test("works in a clone, whose commits come to the branch, and writes nowhere else", async () => {
    const check = 'test -f left.txt && ! touch "$HOME/x" && test "$TMPDIR" = /tmp && test -z "$MAKIMA_API_KEY"';
    await using bench = await openBench({ agent: WORK, spec: { bubblewrap: true, checks: [check] } });
    const { repository, marks, spec, services } = bench;
    await mkdir(join(repository.root, ".ssh"));
    await writeFile(join(repository.root, ".ssh/id_rsa"), "secret");
    const before = await hashRepository(repository.dir);
    await using hold = await bench.takeUp();
    await carryOn(hold.context);
    const { outcome, reason, worktree } = await bench.finished();
    assert.deepEqual([outcome, worktree], ["completed", null], reason);
    assert.equal(eventsOf(await bench.events(), "started")[0]?.sandbox, "bubblewrap");
    assert.deepEqual(await hashRepository(repository.dir), before);
    const log = repository.run(repository.dir, "log", "--format=%an %s", `${spec.base}..${spec.branch}`);
    assert.deepEqual(log.split("\n"), ["Ada Did it", "Ada By hand"]);
    assert.equal(repository.run(repository.dir, "show", `${spec.branch}:left.txt`), "left");
    assert.deepEqual(bench.checkouts(), []);
    assert.equal(readFileSync(join(marks, "refused"), "utf8"), "refused\n");
    assert.equal(readFileSync(join(marks, "key"), "utf8"), "");
    const env = readFileSync(join(marks, "env"), "utf8").split("\n");
    const caches = services.sandboxes.caches(spec.contractId);
    for (const line of ["TMPDIR=/tmp", `npm_config_cache=${caches}/npm`, `CARGO_HOME=${caches}/cargo`])
      assert.ok(env.includes(line), line);
    assert.ok(existsSync(caches));
  });

  test("outlives its daemon, and is stopped by the next one", async () => {
    const agent = `trap 'touch "$bench/asked"; exit 130' INT; touch "$bench/running"; while :; do sleep 0.05; done`;
    await using bench = await openBench({ agent, spec: { bubblewrap: true } });
    {
      await using hold = await bench.takeUp();
      const ended = carryOn(hold.context);
      await marked(bench, "running");
      hold.detach.abort(new DOMException("closing", "AbortError"));
      await ended;
    }
    await using hold = await bench.takeUp();
    const ended = carryOn(hold.context);
    hold.context.cancel.abort("enough");
    await ended;
    assert.equal((await bench.finished()).outcome, "cancelled");
    assert.ok(existsSync(join(bench.marks, "asked")), "the agent was asked, and not only killed");
    assert.equal(eventsOf(await bench.events(), "iteration-started").length, 1);
  });
});

test("a run that is to be sandboxed fails where that cannot be, and leaves nothing", async () => {
  await using bench = await openBench({ agent: `touch "$bench/ran"`, spec: { bubblewrap: true } });
  const { repository, place, services } = bench;
  const bin = join(repository.root, "bin");
  await mkdir(bin);
  const refusal = "bwrap: setting up uid map: Permission denied";
  await writeFile(
    join(bin, "bwrap"),
    `#!/bin/sh\n[ "$1" = --version ] && exec echo "bubblewrap 0.9.0"\necho "${refusal}" >&2\nexit 1\n`,
  );
  await chmod(join(bin, "bwrap"), 0o755);
  services.sandboxes = sandboxesAt({ ...place, environment: { ...place.environment, PATH: bin } });
  await using hold = await bench.takeUp();
  await carryOn(hold.context);
  const { outcome, reason, errorCode, hint, head, branchKept } = await bench.finished();
  assert.deepEqual([outcome, errorCode, head, branchKept], ["failed", "sandbox_unavailable", null, false]);
  assert.match(reason, /sandbox/i);
  assert.ok((hint ?? "") !== "");
  assert.ok(!existsSync(join(bench.marks, "ran")));
  assert.deepEqual(existsSync(repository.worktrees) ? await readdir(repository.worktrees) : [], []);
  assert.equal(repository.run(repository.dir, "branch", "--list", "makima/*"), "");
});

function marked({ marks }: Bench, name: string): Promise<unknown> {
  return until(async () => existsSync(join(marks, name)), `the agent leaves the mark ${name}`);
}
