import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { cli, outcomeOf } from "../../../test/support/machine.ts";
import { until } from "../../../test/support/until.ts";
import { makeWorkshop } from "../../../test/support/workshop.ts";
import type { Workshop } from "../../../test/support/workshop.ts";
import { exists } from "../../platform/files.ts";
import type { Task } from "../../protocol/api.ts";

let shop: Workshop;
before(async () => {
  shop = await makeWorkshop({ agent: { program: "works-until-told.sh" } });
});
after(() => shop[Symbol.asyncDispose]());

/** A task that no daemon takes: it changes only when the test says so. */
async function makeTask(name: string): Promise<Task> {
  const label = ["--label", "gpu=yes", "--detach", "--json"];
  const { code, stdout, stderr } = await shop.makima("run", name, "--agent", "works-until-told", ...label);
  assert.equal(code, 0, stderr);
  return (JSON.parse(stdout) as { task: Task }).task;
}

test("without a terminal every change is a document, and so is a server that goes away", async () => {
  const task = await makeTask("Watched by a program");
  const watching = shop.machine.start(["ps", "--watch"]);
  const documents: { task?: Task; trouble?: { problem: string } | null }[] = [];
  createInterface({ input: watching.stdout }).on("line", (line) => documents.push(JSON.parse(line) as object));
  const states = () => documents.flatMap((document) => (document.task?.id === task.id ? [document.task.status] : []));
  await until(() => states().includes("pending"), "the task is listed");
  await shop.makima("stop", task.id);
  await until(() => states().at(-1) === "cancelled", "its end is told");

  const { pid } = JSON.parse(await readFile(join(shop.machine.makimaHome, "server.json"), "utf8")) as { pid: number };
  process.kill(pid, "SIGKILL");
  await until(() => documents.some(({ trouble }) => /away/.test(trouble?.problem ?? "")), "the trouble is told");
  const later = await makeTask("After the crash");
  await until(() => documents.at(-1)?.task?.id === later.id, "what the next server does is told");
  assert.ok(documents.some(({ trouble }) => trouble === null));
  watching.kill("SIGINT");
  await shop.makima("stop", later.id);
});

/** util-linux has it, and its namesake of macOS takes other options. */
const script = "/usr/bin/script";
const hasTerminal = process.platform === "linux" && (await exists(script));

/** The list on a pseudo-terminal of 24 lines. */
function watchOnTerminal() {
  const command = `stty rows 24 cols 60; exec '${process.execPath}' '${cli}' ps --watch`;
  const child = spawn(script, ["--quiet", "--return", "--command", command, "/dev/null"], {
    cwd: shop.repository,
    env: { ...shop.machine.environment, SHELL: "/bin/sh", TERM: "xterm" },
  });
  let screen = "";
  child.stdout.on("data", (data: Buffer) => (screen += data.toString()));
  return { child, screen: () => screen, outcome: outcomeOf(child) };
}

const ENTER = "\u001b[?1049h";
const LEAVE = "\u001b[?1049l";

test("a terminal shows the list as it changes, and is given back at q", { skip: !hasTerminal }, async () => {
  const task = await makeTask("Watched by a person");
  const { child, screen, outcome } = watchOnTerminal();
  await until(() => /1 live task at .*pending.*Watched by a person/s.test(screen()), "the list is shown");
  assert.ok(screen().startsWith(ENTER));
  await shop.makima("stop", task.id);
  await until(() => /0 live tasks at .*cancelled.*Watched by a person/s.test(screen()), "its end is shown");
  child.stdin.write("q");
  assert.equal((await outcome).code, 0);
  assert.ok(screen().trimEnd().endsWith(`\u001b[?7h\u001b[?25h${LEAVE}`));
});

test("a terminal is given back at Ctrl-C too", { skip: !hasTerminal }, async () => {
  const { child, screen, outcome } = watchOnTerminal();
  await until(() => screen().includes("No task is at work."), "the list is shown");
  child.stdin.write("\u0003");
  assert.equal((await outcome).code, 130);
  assert.ok(screen().trimEnd().endsWith(LEAVE));
});
