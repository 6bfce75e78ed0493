import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore, temporaryHome } from "../testing/basics.ts";
import { contract } from "../testing/data.ts";
import { sharedPostgres, openSource } from "../testing/engines.ts";
import { call, temporaryServer } from "../testing/harness.ts";
import { ReadCache } from "./read-cache.ts";

test("a read sees whatever was written before it, in any order of both", async () => {
  await using running = await temporaryServer();
  const { server } = running;
  const { contract: made } = await call(server, "createContract", contract);
  const id = made.id;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom("First", "Second", null), { maxLength: 8 }), async (steps) => {
      for (const name of steps) {
        if (name !== null) await call(server, "updateContract", { id, name });
        const [one, two] = await Promise.all([
          call(server, "getContract", { id }),
          call(server, "getContract", { id }),
        ]);
        assert.deepEqual(one, two);
        if (name !== null) assert.equal(one.contract.name, name);
      }
    }),
    { numRuns: 30 },
  );
});

test("what is read while something is written is not kept", async () => {
  await using home = await temporaryHome();
  await using store = await openStore(home.path);
  const cache = new ReadCache(store);
  let reads = 0;
  const read = (during: () => Promise<void>) => async () => {
    await during();
    return { json: String((reads += 1)), etag: null };
  };
  const quiet = read(async () => {});
  const disturbed = read(() => store.write(async () => {}));
  assert.equal((await cache.get("key", disturbed)).json, "1");
  assert.equal((await cache.get("key", quiet)).json, "2");
  assert.equal((await cache.get("key", quiet)).json, "2");
  assert.equal((await cache.get("other", quiet)).json, "3");
  await store.write(async () => {});
  assert.equal((await cache.get("key", quiet)).json, "4");
});

test("nothing is kept where other servers write too, nor more than there is room for", async () => {
  const cluster = await sharedPostgres();
  await using shared = await openSource({ kind: "postgres", url: await cluster.createDatabase() });
  await using home = await temporaryHome();
  await using own = await openStore(home.path);
  let reads = 0;
  const read = (json: string) => async () => {
    reads += 1;
    return { json, etag: null };
  };
  const never = new ReadCache(shared);
  for (let times = 0; times < 3; times += 1) await never.get("key", read("small"));
  assert.equal(reads, 3);
  const cache = new ReadCache(own);
  const half = "x".repeat(5 * 1024 * 1024);
  for (const key of ["one", "two", "one", "two"]) await cache.get(key, read(half));
  assert.equal(reads, 6);
});
