import assert from "node:assert/strict";
import type { MakimaError } from "../../core/errors.ts";
import { completeContract } from "../contracts/completion.ts";
import type { Store } from "../db/store.ts";
import { newOpened } from "../testing/contracts.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { listFiles, readVersion } from "./files.ts";
import { createFile, MOST_FILES, updateFile } from "./write.ts";

function create(store: Store, id: string, name: string, content = `# ${name}`) {
  return store.write((tx) => createFile(tx, id, { name, content }));
}

function update(store: Store, id: string, seen: number | null, content: string) {
  return store.write((tx) => updateFile(tx, id, "plan", seen, { content }));
}

onEveryEngine("a file is written, changed and read in every version that it had", async (database) => {
  await using store = await database.open();
  const { id } = await newOpened(store);
  const created = await create(store, id, "plan", "one");
  assert.deepEqual([created.title, created.phase, created.version, created.size], ["plan", "plan", 1, 3]);
  const titled = { content: "three", title: "The plan" };
  const changed = await store.write((tx) => updateFile(tx, id, "plan", 1, titled));
  assert.deepEqual([changed.title, changed.version, changed.size], ["The plan", 2, 5]);
  await create(store, id, "a.notes_1");
  assert.deepEqual(
    (await listFiles(store.db, id)).map(({ name }) => name),
    ["a.notes_1", "plan"],
  );

  const read = (version?: number) => readVersion(store.db, id, "plan", version);
  assert.deepEqual(await read(), { file: changed, version: 2, content: "three" });
  assert.deepEqual(await read(1), { file: changed, version: 1, content: "one" });
  await assert.rejects(read(3), { code: "not_found", hint: "Its versions are 1 to 2." });
  await assert.rejects(readVersion(store.db, id, "nothing", undefined), { code: "not_found" });
});

onEveryEngine("every change of a file is in the change feed, without the content", async (database) => {
  await using store = await database.open();
  const { id } = await newOpened(store);
  await create(store, id, "plan", "secret words");
  await update(store, id, null, "more secret words");
  const rows = await store.db.selectFrom("changes").selectAll().where("kind", "=", "file").orderBy("seq").execute();
  assert.deepEqual(
    rows.map((row) => [row.id, row.contract_id, (JSON.parse(row.data) as { version: number }).version]),
    [
      [`${id}/plan`, id, 1],
      [`${id}/plan`, id, 2],
    ],
  );
  for (const { data } of rows) assert.doesNotMatch(data, /secret/);
});

onEveryEngine("of two writers of one version exactly one wins", async (database) => {
  await using store = await database.open();
  const { id } = await newOpened(store);
  const refused = async (write: (content: string) => Promise<unknown>) => {
    const results = await Promise.allSettled(["mine", "yours"].map(write));
    return results.flatMap((one) => (one.status === "rejected" ? [(one.reason as MakimaError).code] : []));
  };
  assert.deepEqual(await refused((content) => create(store, id, "plan", content)), ["conflict"]);
  assert.deepEqual(await refused((content) => update(store, id, 1, content)), ["version_conflict"]);
  assert.equal((await readVersion(store.db, id, "plan", undefined)).version, 2);
});

onEveryEngine("a name is taken once in each contract", async (database) => {
  await using store = await database.open();
  const [one, other] = [await newOpened(store), await newOpened(store)];
  await create(store, one.id, "plan", "one");
  await create(store, other.id, "plan", "other");
  await assert.rejects(create(store, one.id, "plan"), { code: "conflict", hint: /update-file plan/ });
  assert.equal((await readVersion(store.db, one.id, "plan", undefined)).content, "one");
  assert.equal((await readVersion(store.db, other.id, "plan", undefined)).content, "other");
});

onEveryEngine("a contract that is over keeps its files as they are", async (database) => {
  await using store = await database.open();
  const { id } = await newOpened(store);
  await create(store, id, "plan");
  await store.write((tx) => completeContract(tx, id));
  await assert.rejects(update(store, id, null, "more"), { code: "conflict" });
  await assert.rejects(create(store, id, "late"), { code: "conflict" });
  assert.deepEqual(
    (await listFiles(store.db, id)).map(({ name, version }) => [name, version]),
    [
      ["plan", 1],
      ["report", 1],
    ],
  );
});

onEveryEngine("a contract has so many files and no more", async (database) => {
  await using store = await database.open();
  const { id } = await newOpened(store);
  const times = { version: 1, size: 1, created_at: 1, updated_at: 1 };
  const rows = Array.from({ length: MOST_FILES - 1 }, (_, index) => ({
    ...times,
    contract_id: id,
    name: `file-${index}`,
    title: "",
    phase: "plan" as const,
  }));
  await store.db.insertInto("files").values(rows).execute();
  await create(store, id, "last");
  await assert.rejects(create(store, id, "too-many"), { code: "conflict", message: /1000 files/ });
});
