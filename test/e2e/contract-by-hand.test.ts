import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { statusOf, tasksByName, theContract } from "../support/contract.ts";
import { greeters, MERGED, PLANS } from "../support/greetings.ts";
import { cli, outcomeOf } from "../support/machine.ts";
import type { Outcome } from "../support/machine.ts";
import { claim, makeWorkshop, treeOf } from "../support/workshop.ts";
import type { Workshop } from "../support/workshop.ts";

/** The contract of supervisor.test.ts, driven by a person: with a shell script, and through MCP. */

const EXAMPLE = fileURLToPath(new URL("../../examples/contract.sh", import.meta.url));
const GREETER = { files: { "README.md": "A greeter\n" }, turns: greeters(() => [claim()]) };

it("the example script drives a contract from its plan to its report", async () => {
  await using shop = await makeWorkshop(GREETER);
  const { code, stdout, stderr } = await runExample(shop, "alpha\n");
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.match(stderr, /^makima: 1 file cannot be merged$/m);
  assert.match(stdout, /greeting\.txt/);
  assert.match(stdout, /Three tasks are merged/);
  await requireMerged(shop);
});

it("an MCP client drives the same contract with the tools of its key", async () => {
  await using shop = await makeWorkshop(GREETER);
  await using mcp = await connectTo(shop);
  const tools = (await mcp.client.listTools()).tools.map(({ name }) => name);
  for (const name of ["contract_create", "contract_create_file", "supervisor_spawn", "supervisor_merge"]) {
    assert.ok(tools.includes(name), name);
  }
  const { call } = mcp;
  const created = await call("contract_create", {
    name: "Greetings",
    goal: "Greet whoever comes",
    item: ["Greet"],
    check: ["test -f README.md"],
    supervisor: false,
    autonomousLoop: true,
  });
  const contract = idIn(created, "contract");
  await call("contract_create_file", { name: "plan", content: "- alpha\n@beta", contract });
  assert.equal((await call("contract_file", { name: "plan", contract }))["content"], "- alpha\n@beta");
  await call("supervisor_advance_phase", { contract });
  const alpha = idIn(await call("supervisor_spawn", { name: "alpha", plan: PLANS.alpha, contract }), "task");
  const beta = idIn(
    await call("supervisor_spawn", { name: "beta", plan: PLANS.beta, contract, after: [alpha] }),
    "task",
  );
  const gamma = idIn(await call("supervisor_spawn", { name: "gamma", plan: PLANS.gamma, contract }), "task");
  await call("supervisor_wait", { all: true, contract });
  for (const task of [alpha, beta]) await call("supervisor_merge", { task });
  const conflict = await mcp.client.callTool({ name: "supervisor_merge", arguments: { task: gamma } });
  assert.equal(conflict.isError, true);
  assert.match(JSON.stringify(conflict.content), /greeting\.txt/);
  await call("supervisor_resume", { task: gamma, message: "Merge it, and keep the greeting of alpha" });
  await call("supervisor_wait", { task: [gamma] });
  await call("supervisor_merge", { task: gamma });
  await call("contract_goals", { contract, done: ["1"] });
  await call("contract_complete", { contract });
  await requireMerged(shop);
});

async function runExample(shop: Workshop, answers: string): Promise<Outcome> {
  const bin = join(shop.machine.root, "bin");
  await mkdir(bin);
  await writeFile(join(bin, "makima"), `#!/bin/sh\nexec "${process.execPath}" "${cli}" "$@"\n`);
  await chmod(join(bin, "makima"), 0o755);
  const { environment } = shop.machine;
  const env = { ...environment, PATH: `${bin}:${environment["PATH"] ?? ""}` };
  const child = spawn("sh", [EXAMPLE], { cwd: shop.repository, env, timeout: 120_000, killSignal: "SIGKILL" });
  child.stdin.end(answers);
  return outcomeOf(child);
}

async function requireMerged(shop: Workshop): Promise<void> {
  const { id, integrationBranch } = await theContract(shop.machine);
  assert.deepEqual(treeOf(shop, integrationBranch), MERGED);
  const { contract } = await statusOf(shop.machine, id);
  assert.deepEqual([contract.status, contract.goals], ["completed", [{ text: "Greet", done: true }]]);
  const tasks = await tasksByName(shop.machine);
  assert.deepEqual([...tasks.values()].map(({ name, status, merge }) => `${name} ${status} ${merge}`).toSorted(), [
    "alpha completed merged",
    "beta completed merged",
    "gamma completed merged",
  ]);
}

type Document = Record<string, unknown>;

interface McpSession extends AsyncDisposable {
  client: Client;
  /** Fails when the tool does. */
  call: (name: string, given: Document) => Promise<Document>;
}

async function connectTo({ machine, repository }: Workshop): Promise<McpSession> {
  const client = new Client({ name: "test", version: "1" });
  const { environment: env } = machine;
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [cli, "mcp"], env, cwd: repository }),
  );
  return {
    client,
    call: async (name, given) => {
      const result = await client.callTool({ name, arguments: given }, undefined, { timeout: 100_000 });
      assert.ok(result.isError !== true, `${name}: ${JSON.stringify(result.content)}`);
      return (result.structuredContent ?? {}) as Document;
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

function idIn(document: Document, noun: string): string {
  return (document[noun] as { id: string }).id;
}
