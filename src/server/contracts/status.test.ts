import { CompiledQuery } from "kysely";
import type { KyselyPlugin, RootOperationNode } from "kysely";
import assert from "node:assert/strict";
import { test } from "node:test";
import { shortId } from "../../core/ids.ts";
import { ContractStatus } from "../../protocol/entities.ts";
import { toJson } from "../db/json.ts";
import type { Db, Store } from "../db/store.ts";
import { createFile } from "../files/write.ts";
import { askQuestion } from "../questions/ask.ts";
import { createReport } from "../reports/reports.ts";
import { addWorker, newContract, newOpened } from "../testing/contracts.ts";
import { onEveryEngine, sqliteDatabase } from "../testing/engines.ts";
import { setCompletionAction } from "./completion-action.ts";
import { advancePhase } from "./phase.ts";
import { contractStatus } from "./status.ts";

onEveryEngine("a contract's status says what is there, what is missing, and what to do", async (database) => {
  await using store = await database.open();
  const { id } = await newOpened(store);
  const commands = async () => (await contractStatus(store.db, id)).suggestions.map(({ command }) => command);
  assert.deepEqual(await commands(), ["makima contract create-file plan @plan.md"]);
  await store.write((tx) => createFile(tx, id, { name: "plan", content: "# Plan" }));
  assert.deepEqual(await commands(), ["makima supervisor advance-phase"]);
  await store.write((tx) => advancePhase(tx, id, false));
  assert.deepEqual(await commands(), ["makima supervisor spawn NAME --plan TEXT"]);

  const asking = await addWorker(store, id, "running", "Asks");
  const failed = await addWorker(store, id, "failed", "Fails");
  const unmerged = await addWorker(store, id, "completed", "Clashes");
  await setFacts(store, failed, unmerged);
  await store.write((tx) => setCompletionAction(tx, id, "branch"));
  const question = { taskId: asking, runId: null, text: "Which one?", choices: [] };
  const { id: questionId } = await store.write((tx) => askQuestion(tx, question));
  for (let told = 0; told < 12; told += 1) {
    await store.write((tx) => createReport(tx, id, { taskId: null, text: `Step ${told}` }));
  }
  const status = await contractStatus(store.db, id);
  assert.deepEqual(ContractStatus.parse(status), status);
  assert.deepEqual(status.tasks, { waiting: 1, failed: 1, completed: 1 });
  assert.deepEqual(status.unmerged, [{ id: unmerged, name: "Clashes", merge: "conflict" }]);
  assert.deepEqual(
    status.openQuestions.map((one) => one.id),
    [questionId],
  );
  assert.equal(status.reports.length, 10);
  assert.deepEqual(
    [status.nextPhase, status.deliverables[0]?.missing],
    [null, "Not completed: Asks, Fails; Not merged: Clashes"],
  );
  assert.deepEqual(await commands(), [
    `makima question answer ${shortId(questionId)} TEXT`,
    `makima supervisor output ${shortId(failed)} --text --tail 50`,
    `makima supervisor resume ${shortId(failed)}`,
    `makima supervisor merge ${shortId(unmerged)}`,
  ]);
  assert.match(status.suggestions[1]?.action ?? "", /these checks fail: npm test$/);
});

/** The one failed for its check, the other met a conflict. */
async function setFacts(store: Store, failed: string, unmerged: string): Promise<void> {
  const fixed = { command: "", commandHash: "", exitCode: 1, timedOut: false, durationMs: 1, tests: null, stream: "" };
  const check = (name: string, passed: boolean) => ({
    ...fixed,
    name,
    passed,
    baseline: null,
    failure: null,
    flags: [],
  });
  const checks = toJson([check("lint", true), check("npm test", false)]);
  await store.db.updateTable("runs").set({ checks }).where("task_id", "=", failed).execute();
  await store.db.updateTable("tasks").set({ merge: "conflict" }).where("id", "=", unmerged).execute();
}

onEveryEngine("a supervisor that waits for nothing is to be told how to go on", async (database) => {
  await using store = await database.open();
  const { contract, task } = await newContract(store, { supervisor: true });
  await store.db.updateTable("tasks").set({ idle: 1, status: "waiting" }).where("id", "=", task.id).execute();
  const { suggestions } = await contractStatus(store.db, contract.id);
  assert.deepEqual(suggestions.at(-1)?.command, `makima supervisor message ${shortId(task.id)} TEXT`);
});

test("a look at a contract takes a few queries, each over what belongs to that contract", async () => {
  await using database = await sqliteDatabase();
  await using store = await database.open();
  const { id } = await newOpened(store);
  for (let tasks = 0; tasks < 3; tasks += 1) await addWorker(store, id, "failed");
  const queries: CompiledQuery[] = [];
  await contractStatus(recording(store.db, queries), id);
  assert.equal(queries.length, 6);
  for (const { sql, parameters } of queries) {
    const explained = CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]);
    const { rows } = await store.db.executeQuery<{ detail: string }>(explained);
    for (const { detail } of rows) assert.match(detail, /^SEARCH \w+ USING .*\((contract_id|id)=\?/, sql);
  }
});

/** Notes down every query. */
function recording(db: Db, queries: CompiledQuery[]): Db {
  const plugin: KyselyPlugin = {
    transformQuery({ node, queryId }): RootOperationNode {
      queries.push(db.getExecutor().compileQuery(node, queryId));
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  return db.withPlugin(plugin);
}
