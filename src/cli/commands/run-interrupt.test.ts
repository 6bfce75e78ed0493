import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { outcomeOf } from "../../../test/support/machine.ts";
import { makeWorkshop } from "../../../test/support/workshop.ts";

test("an interrupt while the task is being created leaves no agent at work", async () => {
  let server = 0;
  let interrupt = (): void => {};
  const relay = relayTo(
    () => server,
    () => interrupt(),
  );
  await once(relay.listen(0, "127.0.0.1"), "listening");
  const address = `http://127.0.0.1:${(relay.address() as AddressInfo).port}`;
  // A server answers only to the addresses that it is known by.
  const config = `[server]\nport = 0\npublicUrl = "${address}"\n`;
  await using shop = await makeWorkshop({ agent: { program: "works-until-told.sh" }, config });
  const { machine, repository } = shop;
  const up = await shop.makima("up", "--background", "--json");
  server = Number(new URL((JSON.parse(up.stdout) as { url: string }).url).port);
  const key = await readFile(join(machine.makimaHome, "user.key"), "utf8");
  const run = machine.start(["run", "Work", "--agent", "works-until-told"], {
    cwd: repository,
    env: { MAKIMA_API_URL: address, MAKIMA_API_KEY: key.trim() },
  });
  interrupt = () => void run.kill("SIGINT");
  const { code, stderr } = await outcomeOf(run);
  relay.close();
  assert.equal((await shop.task())?.status, "cancelled", stderr);
  assert.equal(code, 130, stderr);
});

/** Passes everything on to the server at a port, and calls `onCreated` once it has created a contract, before anybody knows. */
function relayTo(port: () => number, onCreated: () => void): Server {
  let told = false;
  return createServer((client) => {
    const upstream = connect(port(), "127.0.0.1");
    let creates = false;
    client.on("data", (data) => {
      creates ||= data.includes("POST /api/v1/contracts ");
      upstream.write(data);
    });
    upstream.on("data", (data) => {
      if (creates && !told) onCreated();
      told ||= creates;
      client.write(data);
    });
    // Who was interrupted hangs up.
    client.on("error", () => undefined).on("close", () => upstream.destroy());
    upstream.on("error", () => undefined).on("close", () => client.destroySoon());
  });
}
