import assert from "node:assert/strict";
import { onEveryEngine } from "../testing/engines.ts";
import { authenticate, endSession } from "./keys.ts";
import { createLogin, redeemLogin } from "./logins.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

onEveryEngine("a code is exchanged once, in its time, for a session; only hashes are kept", async (database) => {
  await using store = await database.open();
  const [first, late] = [await store.write(createLogin), await store.write(createLogin)];
  assert.match(first.code, /^mk_login_[\w-]{43}$/);
  const left = first.expiresAt - Date.now();
  assert.ok(left > 4 * MINUTE && left <= 5 * MINUTE);
  assert.equal(await authenticate(store, first.code), null, "a code is no key");

  const redeem = (code: string) => store.write((tx) => redeemLogin(tx, code));
  const redeemed = await Promise.all([first, first].map(({ code }) => redeem(code)));
  assert.equal(redeemed.filter((each) => each === null).length, 1, "of two at once one gets in");
  const token = String(redeemed.find((each) => each !== null));
  assert.equal((await authenticate(store, token))?.kind, "user");
  await store.write((tx) => tx.db.updateTable("logins").set({ expires_at: tx.now }).execute());
  for (const code of [late.code, first.code, "", "mk_login_nonsense"]) assert.equal(await redeem(code), null, code);
  const keys = await store.db.selectFrom("keys").selectAll().execute();
  const logins = await store.db.selectFrom("logins").selectAll().execute();
  for (const secret of [first.code, late.code, token]) assert.ok(!JSON.stringify([keys, logins]).includes(secret));
  const lives = Number(keys[0]?.expires_at) - Date.now();
  assert.ok(lives > 6 * DAY && lives <= 7 * DAY);
  await store.write(createLogin);
  assert.equal((await store.db.selectFrom("logins").selectAll().execute()).length, 1, "what nobody used is gone");
});

onEveryEngine("a session ends by itself, or by its key, and no other key ends with it", async (database) => {
  await using store = await database.open();
  const logIn = async () => String(await store.write(async (tx) => redeemLogin(tx, (await createLogin(tx)).code)));
  const [token, expiring] = [await logIn(), await logIn()];
  const [id, other] = [await authenticate(store, token), await authenticate(store, expiring)].map((it) => it?.keyId);
  await store.write((tx) => endSession(tx, String(id)));
  assert.equal(await authenticate(store, token), null);
  assert.equal((await authenticate(store, expiring))?.keyId, other);
  await store.write((tx) =>
    tx.db
      .updateTable("keys")
      .set({ expires_at: tx.now - 1 })
      .execute(),
  );
  assert.equal(await authenticate(store, expiring), null);
});
