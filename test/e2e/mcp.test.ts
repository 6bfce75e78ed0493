import assert from "node:assert/strict";
import { it } from "node:test";
import type { Report } from "../../src/protocol/api.ts";
import { tool } from "../scripted-model/script.ts";
import { theContract } from "../support/contract.ts";
import { claim, makeWorkshop } from "../support/workshop.ts";

it("a task's agent has makima's commands as tools, with its own key", async () => {
  const report = tool("mcp__makima__contract_report", { text: "Said through a tool" });
  await using shop = await makeWorkshop({ turns: [[report, claim()]], claude: "mcp = true" });
  const { code, stderr } = await shop.run("Report");
  assert.equal(code, 0, stderr);
  const { id } = await theContract(shop.machine);
  const { reports } = (await shop.machine.get(`/api/v1/contracts/${id}/reports`)) as { reports: Report[] };
  const task = await shop.task();
  assert.deepEqual(
    reports.map(({ text, taskId }) => [text, taskId]),
    [["Said through a tool", task?.id]],
  );
  const offered = shop.model.requests.find(({ role }) => role === "main")?.body.tools?.map(({ name }) => name) ?? [];
  assert.ok(offered.includes("mcp__makima__contract_status"), offered.join(" "));
  assert.ok(!offered.includes("mcp__makima__supervisor_spawn"), "a worker drives no contract");
});
