import assert from "node:assert/strict";
import { test } from "node:test";
import { toolsFor } from "./tools.ts";

test("a key is offered what it may do, and nothing else", async () => {
  const names = async (kind: Parameters<typeof toolsFor>[0]) => (await toolsFor(kind)).map(({ name }) => name);
  const [person, supervisor, task] = [await names("user"), await names("supervisor"), await names("task")];
  assert.deepEqual(await names("daemon"), []);
  for (const name of [
    "contract_status",
    "contract_report",
    "contract_update_file",
    "supervisor_ask",
    "supervisor_task",
  ]) {
    for (const tools of [person, supervisor, task]) assert.ok(tools.includes(name), name);
  }
  for (const name of ["supervisor_spawn", "supervisor_merge", "supervisor_advance_phase", "contract_complete"]) {
    assert.deepEqual(
      [person, supervisor, task].map((tools) => tools.includes(name)),
      [true, true, false],
      name,
    );
  }
  for (const name of ["contract_create", "contract_delete"]) {
    assert.deepEqual(
      [person, supervisor, task].map((tools) => tools.includes(name)),
      [true, false, false],
      name,
    );
  }
});

test("every tool says what it takes, and takes nothing that is for a terminal or leads elsewhere", async () => {
  const tools = await toolsFor("user");
  assert.ok(tools.length > 30, `${tools.length}`);
  assert.equal(new Set(tools.map(({ name }) => name)).size, tools.length);
  for (const { name, description, inputSchema } of tools) {
    assert.match(name, /^[a-z_]{1,64}$/);
    assert.notEqual(description, "");
    for (const [key, property] of Object.entries(inputSchema.properties)) {
      assert.notEqual(property.description, "", `${name} ${key}`);
      assert.ok(!["server", "config", "json", "watch", "follow"].includes(key), `${name} ${key}`);
    }
    for (const key of inputSchema.required) assert.ok(Object.hasOwn(inputSchema.properties, key), `${name} ${key}`);
  }
});
