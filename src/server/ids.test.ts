import fc from "fast-check";
import assert from "node:assert/strict";
import { MakimaError } from "../core/errors.ts";
import type { Db } from "./db/store.ts";
import { newId, resolveId } from "./ids.ts";
import { onEveryEngine } from "./testing/engines.ts";

/** Short ones too: a daemon has the id that it says, and beginnings and ends of few characters meet often. */
const ids = fc.array(fc.string({ unit: fc.constantFrom("0", "1", "a", "-"), minLength: 1, maxLength: 6 }), {
  maxLength: 8,
});
const given = fc.string({ unit: fc.constantFrom("0", "1", "a", "A", "-", "%", "_"), maxLength: 4 });

onEveryEngine("an id is found by itself and by each unambiguous beginning or end", async (database) => {
  await using store = await database.open();
  await fc.assert(
    fc.asyncProperty(ids, given, async (some, text) => {
      const all = [...new Set(some)];
      await store.write(async ({ db }) => {
        await db.deleteFrom("daemons").execute();
        for (const id of all)
          await db
            .insertInto("daemons")
            .values({ id, ...daemon })
            .execute();
      });
      assert.equal(await resolved(store.db, text), expected(all, text));
    }),
    { numRuns: 100 },
  );
});

onEveryEngine("a full id is itself, however others begin or end", async (database) => {
  await using store = await database.open();
  const id = newId(1_700_000_000_000);
  const longer = [`${id}0`, `0${id}`];
  await store.write(async ({ db }) => {
    for (const each of [id, ...longer])
      await db
        .insertInto("daemons")
        .values({ id: each, ...daemon })
        .execute();
  });
  assert.equal(await resolved(store.db, id), id);
  assert.equal(await resolved(store.db, id.toUpperCase()), id);
  assert.equal(await resolved(store.db, "%".repeat(id.length)), "not_found");
  assert.equal(await resolved(store.db, newId(1_700_000_000_000)), "not_found");
});

onEveryEngine("the hint for what is not there names the list that it would be in", async (database) => {
  await using store = await database.open();
  const lists = { contracts: "contract list", daemons: "daemon list", tasks: "ps --all" } as const;
  for (const [table, list] of Object.entries(lists) as [keyof typeof lists, string][]) {
    await assert.rejects(resolveId(store.db, table, "zzz"), { hint: new RegExp(`\`makima ${list}\``) });
  }
});

const daemon = { name: "box", host: "box", max_tasks: 1, online: 0, last_seen_at: 0 } as const;

/** The id, or the code of the error. */
async function resolved(db: Db, text: string): Promise<string> {
  try {
    return await resolveId(db, "daemons", text);
  } catch (error) {
    if (error instanceof MakimaError) return error.code;
    throw error;
  }
}

function expected(all: readonly string[], text: string): string {
  const wanted = text.toLowerCase();
  const matches = wanted === "" ? [] : all.filter((id) => id.startsWith(wanted) || id.endsWith(wanted));
  if (matches.length > 1) return "ambiguous";
  return matches[0] ?? "not_found";
}
