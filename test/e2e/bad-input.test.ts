import assert from "node:assert/strict";
import { once } from "node:events";
import { access, mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { it } from "node:test";
import type { Outcome } from "../support/machine.ts";
import { makeWorkshop } from "../support/workshop.ts";
import type { Workshop } from "../support/workshop.ts";

/** Each is one clear line and a hint, has its exit code, and leaves nothing behind. */
it("a configured port that is taken is refused", async () => {
  await using other = await listen();
  await using shop = await makeWorkshop({ config: `[server]\nport = ${other.port}\n` });
  const error = `Port ${other.port} on 127.0.0.1 is taken`;
  refuses(await shop.makima("run", "Do it"), 5, "port_taken", new RegExp(String(other.port)), error);
  refuses(await shop.makima("up"), 5, "port_taken", new RegExp(String(other.port)), error);
  await isAtRest(shop);
});

it("a named port that is taken is refused", async () => {
  await using other = await listen();
  await using shop = await makeWorkshop({});
  refuses(await shop.makima("up", "--port", String(other.port)), 5, "port_taken", new RegExp(String(other.port)));
  refuses(await shop.makima("server", "--port", String(other.port)), 5, "port_taken", new RegExp(String(other.port)));
  await isAtRest(shop);
});

it("a data directory that cannot be made is refused", async () => {
  await using shop = await makeWorkshop({});
  const file = join(shop.machine.root, "file");
  await writeFile(file, "");
  // Not even root may write to the last one, so it stands for a directory that is read-only.
  for (const home of [file, join(file, "below"), "/sys/makima"]) {
    const options = { cwd: shop.repository, env: { MAKIMA_HOME: home } };
    refuses(await shop.machine.makima(["run", "Do it"], options), 4, "read_only", new RegExp(home));
    refuses(await shop.machine.makima(["up", "--port", "0"], options), 4, "read_only", new RegExp(home));
  }
  assert.deepEqual(shop.leftovers(), []);
});

it("data of a newer makima is refused", async () => {
  await using shop = await makeWorkshop({});
  await beginAndEnd(shop);
  const path = join(shop.machine.makimaHome, "makima.db");
  const database = new DatabaseSync(path);
  database.exec("INSERT INTO kysely_migration (name, timestamp) VALUES ('9999-from-the-future', '')");
  database.close();
  refuses(await shop.makima("run", "Do it"), 6, "database_newer", /makima\.db.*9999-from-the-future/);
  refuses(await shop.makima("up", "--port", "0"), 6, "database_newer", /makima\.db.*9999-from-the-future/);
  await isAtRest(shop);
});

it("damaged data is refused", async () => {
  await using shop = await makeWorkshop({});
  await mkdir(shop.machine.makimaHome);
  await writeFile(join(shop.machine.makimaHome, "makima.db"), "This is no database. ".repeat(1_000));
  refuses(await shop.makima("run", "Do it"), 6, "database_corrupt", /makima\.db/);
  await isAtRest(shop);
});

it("an agent whose command is missing, or that is not configured at all, is refused", async () => {
  await using shop = await makeWorkshop({ config: '[agents.absent]\ncommand = ["/no/such/agent", "--fast"]\n' });
  refuses(await shop.makima("run", "Do it", "--agent", "absent"), 6, "agent_missing", /"\/no\/such\/agent"/);
  refuses(await shop.makima("run", "Do it", "--agent", "unheard-of"), 6, "agent_missing", /unheard-of/);
  assert.deepEqual(shop.leftovers(), []);
  assert.deepEqual(await readdir(join(shop.machine.makimaHome, "worktrees")), []);
});

it("a repository that the daemon may not work in is refused", async () => {
  await using shop = await makeWorkshop({ config: '[daemon]\nrepositories = ["~/elsewhere/*"]\n' });
  refuses(await shop.makima("run", "Do it"), 4, "forbidden", /may not work in/);
  assert.deepEqual(shop.leftovers(), []);
});

it("a broken .makima.toml in the base is refused", async () => {
  await using shop = await makeWorkshop({ files: { ".makima.toml": 'chekcs = ["true"]\n' } });
  refuses(await shop.makima("run", "Do it"), 2, "config_invalid", /\.makima\.toml:1.*chekcs/);
  assert.deepEqual(shop.leftovers(), []);
});

/** One line that names the thing, one hint, nothing on stdout, the code of the table. */
function refuses({ code, stdout, stderr }: Outcome, exit: number, name: string, names: RegExp, message?: string): void {
  const lines = stderr.trimEnd().split("\n");
  assert.equal(lines.length, 2, `${name}: ${stderr}`);
  assert.match(lines[0] ?? "", /^makima: /);
  assert.match(lines[0] ?? "", names);
  assert.match(lines[1] ?? "", /^hint: \S/);
  assert.deepEqual([code, stdout], [exit, ""], name);
  if (message !== undefined) assert.equal(lines[0], `makima: ${message}`);
}

/** Nothing runs, nobody holds the lock, no checkout or branch was made. */
async function isAtRest(shop: Workshop): Promise<void> {
  assert.deepEqual(await shop.machine.processes(), []);
  assert.deepEqual(shop.leftovers(), []);
  const { makimaHome } = shop.machine;
  await assert.rejects(access(join(makimaHome, "server.json")), { code: "ENOENT" });
  const down = await shop.makima("down", "--json");
  assert.deepEqual(JSON.parse(down.stdout), { running: false, tasksStopped: 0 });
}

async function beginAndEnd(shop: Workshop): Promise<void> {
  for (const command of [["up", "--background"], ["down"]]) {
    const { code, stderr } = await shop.makima(...command);
    assert.equal(code, 0, stderr);
  }
}

/** Another program on a port of its own. */
async function listen(): Promise<AsyncDisposable & { port: number }> {
  const server = createServer((socket) => socket.destroy());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, "close");
    },
  };
}
