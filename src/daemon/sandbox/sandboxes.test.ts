import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { it } from "node:test";
import { makeCheckout, openTestRepository } from "../../../test/support/repository.ts";
import { noSandbox } from "../../../test/support/sandboxes.ts";
import { paths as pathsIn } from "../../platform/config/paths.ts";
import { bubblewrapHere } from "../../platform/sandbox/fixtures/bwrap.ts";
import { locationOf } from "../checkout/checkout.ts";
import type { Checkout } from "../checkout/checkout.ts";
import { sandboxVariables } from "./caches.ts";
import { Sandboxes } from "./sandboxes.ts";

const { missing: skip } = await bubblewrapHere();

it(
  "the sandboxes let an agent write what is its own, call makima, and see nothing of what makima and others keep",
  { skip },
  async () => {
    await using world = await openWorld();
    const { home, sandboxes, process, mcp } = world;
    const state = {
      readable: [join(home, ".agent")],
      hidden: [join(home, ".agent/projects")],
      writable: [join(home, ".agent/projects/mine")],
      scratch: [join(home, ".agent/session")],
    };
    process.env["PATH"] = `${world.bin}:${process.env["PATH"]}`;
    const prefix = await sandboxes.forAgent({ ...process, command: ["sh"], state, files: [mcp] });
    const said = world.say(prefix, {
      works: ["touch new", 'touch "$npm_config_cache"', "touch ~/.agent/projects/mine/a", "touch ~/.agent/session/b"],
      sees: ["grep secret ~/.agent/settings", "makima", `cat ${mcp}`, "touch /tmp/x", 'touch "$TMPDIR/y"'],
      isRefused: [
        "touch ~/x",
        "touch ~/.agent/x",
        "grep . ~/.agent/projects/other",
        "grep . ~/.agent/session/earlier",
        "grep . ~/config.toml",
        "grep . ~/.ssh/id_rsa",
        "ls ~/makima/runs/other",
        "touch ~/makima/x",
        "ls ~/worktrees/other",
        "touch ../repository/a.txt",
        "touch ../../repository/.git/x",
      ],
    });
    assert.deepEqual(said, { works: [], sees: [], isRefused: [] });
    assert.deepEqual(await readdir(join(home, ".agent/session")), ["earlier"]);
    assert.deepEqual(await readdir(join(home, ".agent/projects/mine")), ["a"]);
  },
);

it("the sandboxes give a check neither makima's command nor what is the agent's", { skip }, async () => {
  await using world = await openWorld();
  const prefix = await world.sandboxes.forCheck(world.process);
  const said = world.say(prefix, {
    works: ["touch new", 'touch "$CARGO_HOME"', "git status", "git commit -m x --allow-empty"],
    isRefused: ["makima", "touch ~/.agent/projects/x", `grep . ${world.mcp}`, "grep . ~/config.toml"],
  });
  assert.deepEqual(said, { works: [], isRefused: [] });
});

it(
  "the sandboxes let makima's git read what the agent has configured no more than it reaches beyond the checkout",
  { skip },
  async () => {
    await using world = await openWorld();
    const { checkout, repository, process } = world;
    const evil = `touch ${world.home}/ran; touch ${checkout.dir}/ran; cat`;
    const run = (...args: string[]): string => repository.run(checkout.dir, ...args);
    run("config", "filter.evil.clean", evil);
    await writeFile(join(checkout.dir, ".gitattributes"), "* filter=evil\n");
    await writeFile(join(checkout.dir, "b.txt"), "b\n");
    await repository.git(locationOf(checkout), ["add", "--all"]);
    assert.deepEqual((await readdir(checkout.dir)).toSorted(), [".git", ".gitattributes", "a.txt", "b.txt"]);
    const said = world.say(await world.sandboxes.forGit(checkout.dir), {
      works: ["touch new", `touch ${checkout.dir}.index/x`],
      isRefused: [`touch ${process.caches}/x`, "touch ~/x", "grep . ~/.ssh/id_rsa"],
    });
    assert.deepEqual(said, { works: [], isRefused: [] });
  },
);

type Commands = Record<string, string[]>;

/** A person's machine with a sandboxed checkout on it, and something to hide. */
async function openWorld() {
  const repository = await openTestRepository();
  const home = repository.root;
  const paths = pathsIn(join(home, "makima"));
  const mcp = join(paths.runs, "run/mcp.json");
  const other = [
    ".agent/projects/other",
    ".agent/session/earlier",
    "makima/runs/other",
    "worktrees/other",
    ".ssh/id_rsa",
  ];
  for (const name of [...other, ".agent/settings", "config.toml"]) await put(join(home, name), "secret\n");
  await put(mcp, "{}");
  await put(join(paths.bin, "makima"), "#!/bin/sh\n", 0o755);
  const { worktrees, environment } = repository;
  const secrets = [join(home, "config.toml")];
  const sandboxes = new Sandboxes({ config: noSandbox, environment, paths, worktrees, secrets, selfCommand: [] });
  const checkout: Checkout = await makeCheckout(repository, { kind: "clone" });
  const caches = sandboxes.caches("contract");
  const env: Record<string, string> = { ...environment, ...sandboxVariables(caches) };
  const process = { dir: checkout.dir, repository: checkout.commonDir, caches, env };
  return {
    home,
    repository,
    checkout,
    sandboxes,
    process,
    mcp,
    bin: paths.bin,
    /** Of what should work, what does not; of what should be refused, what is not. One sandbox for all of it. */
    say: (prefix: readonly string[], commands: Commands): Commands => {
      const script = Object.entries(commands).flatMap(([kind, lines]) => lines.map((line) => tried(kind, line)));
      const [bwrap, ...args] = [...prefix, "/bin/sh", "-c", `${script.join("\n")}\ntrue`];
      const output = execFileSync(bwrap, args, {
        env,
        cwd: "/",
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      });
      const wrong = output.split("\n").filter((line) => line !== "");
      return Object.fromEntries(
        Object.keys(commands).map((kind) => [
          kind,
          wrong.filter((line) => line.startsWith(`${kind}:`)).map((line) => line.slice(kind.length + 1)),
        ]),
      );
    },
    [Symbol.asyncDispose]: () => repository[Symbol.asyncDispose](),
  };
}

/** Prints the command where it did not do what it should. */
function tried(kind: string, command: string): string {
  const wrong = `printf '%s\\n' '${kind}:${command.replaceAll("'", `'\\''`)}'`;
  return `( ${command} ) >/dev/null 2>&1 ${kind === "isRefused" ? "&&" : "||"} ${wrong}`;
}

async function put(file: string, content: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content, { mode });
}
