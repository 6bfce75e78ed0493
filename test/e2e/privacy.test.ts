import assert from "node:assert/strict";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeWorkshop } from "../support/workshop.ts";

describe("what is nobody else's business", { concurrency: 2 }, () => {
  it("an agent is given makima's variables and its login, a check neither key nor login, and nobody anything else", async () => {
    const config = `[agents.candid]\ncommand = ["sh", "-c", "env >agent.env; printf '<COMPLETION_GATE>\\nready: true\\n</COMPLETION_GATE>'"]\nenv = { LOGIN = "secret" }\n`;
    await using shop = await makeWorkshop({ config });
    const check = "env >check.env; cp check.env $HOME/check.env";
    const options = { cwd: shop.repository, env: { UNRELATED: "private" } };
    const run = ["run", "Look around", "--agent", "candid", "--json", "--check", check];
    const { code, stderr, stdout } = await shop.machine.makima(run, options);
    assert.equal(code, 0, stderr);
    const { task } = JSON.parse(stdout) as { task: { branch: string } };
    const agent = shop.show(task.branch, "agent.env");
    for (const name of [
      "MAKIMA_API_URL",
      "MAKIMA_API_KEY",
      "MAKIMA_TASK_ID",
      "MAKIMA_RUN_ID",
      "LOGIN",
      "HOME",
      "PATH",
    ]) {
      assert.match(agent, new RegExp(`^${name}=.`, "m"));
    }
    const checks = await readFile(join(shop.machine.home, "check.env"), "utf8");
    assert.match(checks, /^MAKIMA_RUN_ID=./m);
    for (const name of ["MAKIMA_API_KEY", "LOGIN"]) assert.doesNotMatch(checks, new RegExp(`^${name}=`, "m"));
    assert.doesNotMatch(agent + checks, /UNRELATED/);
  });

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
