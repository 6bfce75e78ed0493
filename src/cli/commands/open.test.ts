import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { makeMachine } from "../../../test/support/machine.ts";

test("open gives a link that logs a browser in, each time another one, and no log has it", async () => {
  await using machine = await makeMachine();
  const json = await machine.makima(["open", "--json"]);
  assert.equal(json.code, 0, json.stderr);
  const { url, expiresAt } = JSON.parse(json.stdout) as { url: string; expiresAt: number };
  assert.ok(expiresAt > Date.now());
  const text = await machine.makima(["open", "--no-browser"]);
  const link = /^(http:\/\/127\.0\.0\.1:\d+\/login)#(mk_login_[\w-]{43})\n$/;
  assert.match(text.stdout, link);
  assert.notEqual(text.stdout.trim(), url);
  const [, page = "", code = ""] = link.exec(`${url}\n`) ?? [];
  const body = JSON.stringify({ code });
  const headers = { "content-type": "application/json" };
  const { status } = await fetch(page, { method: "POST", headers, body });
  assert.equal(status, 200);
  assert.doesNotMatch(await readFile(`${machine.makimaHome}/logs/up.log`, "utf8"), /mk_login/);
});
