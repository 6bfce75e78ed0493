import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { defaultConfig } from "../../platform/config/config.ts";
import type { WebhookConfig } from "../../platform/config/config.ts";
import { createLogger } from "../../platform/log.ts";
import type { Logger } from "../../platform/log.ts";
import type { Delivery } from "../../protocol/api.ts";
import { Store } from "../db/store.ts";
import { silent, temporaryHome, until } from "../testing/basics.ts";
import { onEveryEngine } from "../testing/engines.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { Receiver } from "../testing/receiver.ts";
import { Deliverer } from "./deliverer.ts";
import { listDeliveries } from "./list.ts";
import { notify } from "./notify.ts";
import { LEASE, takeDelivery } from "./outbox.ts";

const SECOND = 1000;
const HOUR = 3_600_000;

test("what is not taken is tried again, later and later, until it is", async () => {
  await using world = await World.create();
  const statuses = [500, 301, 404];
  world.receiver.answer = (response) => {
    response.writeHead(statuses.shift() ?? 204, { location: "/elsewhere" }).end("x".repeat(100));
  };
  await using _deliverer = world.deliverer();
  const id = await world.tell("one");
  for (const [index, status] of [500, 301, 404].entries()) {
    const failed = await world.delivery(id, (it) => it.attempts === index + 1 && it.responseStatus === status);
    assert.deepEqual([failed.status, failed.error], ["pending", `It answered ${status}`]);
    const wait = Number(failed.nextAt) - world.clock.now();
    assert.ok(wait > (5 * SECOND * 2 ** index) / 2 && wait <= 5 * SECOND * 2 ** index);
    await world.pass(wait);
  }
  const delivered = await world.delivery(id, ({ status }) => status === "delivered");
  assert.deepEqual([delivered.attempts, delivered.responseStatus, delivered.error], [4, 204, null]);
  assert.equal(delivered.nextAt, null);
  const { received } = world.receiver;
  assert.deepEqual(new Set(received.map(({ path }) => path)), new Set(["/hook?key=secret"]));
  assert.deepEqual(new Set(received.map(({ headers }) => headers["x-makima-delivery"])), new Set([delivered.id]));
});

test("a receiver that wants no more is not asked again", async () => {
  await using world = await World.create();
  world.receiver.answer = (response) => response.writeHead(410).end();
  await using _deliverer = world.deliverer();
  const failed = await world.delivery(await world.tell("one"), ({ status }) => status === "failed");
  assert.deepEqual([failed.attempts, failed.responseStatus, failed.nextAt], [1, 410, null]);
});

test("what keeps a webhook from being posted to is in the delivery log and in the server's", async () => {
  await using world = await World.create();
  await rm(String(world.webhooks[0]?.secretFile));
  const lines: string[] = [];
  const stream = { write: (line: string) => lines.push(line) };
  await using _deliverer = world.deliverer(createLogger({ level: "info", format: "json", stream }));
  const { error, status } = await world.delivery(await world.tell("one"), (it) => it.error !== null);
  assert.match(String(error), /secret does not exist$/);
  assert.equal(status, "pending");
  assert.equal(lines.length, 1);
  assert.ok(lines.join("").includes(String(error)));
  assert.ok(!lines.join("").includes("key=secret"));
});

test("after a day in vain a delivery is given up", async () => {
  await using world = await World.create();
  world.receiver.answer = (response) => response.writeHead(503).end();
  await using _deliverer = world.deliverer();
  const id = await world.tell("one");
  await world.delivery(id, ({ responseStatus }) => responseStatus === 503);
  await world.pass(24 * HOUR);
  const failed = await world.delivery(id, ({ status }) => status === "failed");
  assert.deepEqual([failed.attempts, failed.nextAt, failed.error], [2, null, "It answered 503"]);
});

test("a receiver that does not answer has 10 s, and holds up nobody else", async () => {
  await using other = await Receiver.start();
  await using world = await World.create({ also: other });
  world.receiver.answer = () => undefined;
  await using _deliverer = world.deliverer();
  const id = await world.tell("one");
  await until(() => world.receiver.received.length === 1 && other.received.length === 1);
  await world.delivery(id, ({ status }) => status === "delivered");
  await world.pass(10 * SECOND);
  const failed = await world.delivery(id, ({ error }) => error !== null);
  assert.deepEqual([failed.status, failed.error, failed.responseStatus], ["pending", "No answer within 10 s", null]);
});

test("an answer counts, however long its body is", async () => {
  await using world = await World.create();
  world.receiver.answer = flood;
  await using _deliverer = world.deliverer();
  await world.delivery(await world.tell("one"), ({ status }) => status === "delivered");
});

test("what a killed server had taken, the next one delivers once it is overdue", async () => {
  await using world = await World.create();
  const id = await world.tell("one");
  const channel = (await world.store.db.selectFrom("deliveries").select("channel").executeTakeFirstOrThrow()).channel;
  assert.ok((await world.store.write((tx) => takeDelivery(tx, channel))).taken !== null);
  await world.restart();
  await using _deliverer = world.deliverer();
  await until(() => world.clock.sleeping.includes(LEASE));
  assert.equal(world.receiver.received.length, 0);
  world.clock.advance(LEASE);
  assert.equal((await world.delivery(id, ({ status }) => status === "delivered")).attempts, 2);
  assert.equal(world.receiver.received.length, 1);
});

test("a wait goes on after a restart, and stopping does not wait for an answer", async () => {
  await using world = await World.create();
  world.receiver.answer = () => undefined;
  const id = await world.tell("one");
  {
    await using _deliverer = world.deliverer();
    await until(() => world.receiver.received.length === 1);
  }
  const stopped = await world.delivery(id, ({ error }) => error !== null);
  assert.deepEqual([stopped.status, stopped.error], ["pending", "The server stopped in the middle of it"]);

  await world.restart();
  world.receiver.answer = (response) => response.end();
  await using _deliverer = world.deliverer();
  await world.pass(Number(stopped.nextAt) - world.clock.now());
  await world.delivery(id, ({ status }) => status === "delivered");
});

test("what is for nobody any more is given up after a day", async () => {
  await using world = await World.create();
  const id = await world.tell("one");
  await world.restart({ webhooks: [] });
  world.clock.advance(25 * HOUR);
  await using _deliverer = world.deliverer();
  const failed = await world.delivery(id, ({ status }) => status === "failed");
  assert.deepEqual([failed.attempts, failed.error], [0, "It is not configured any more"]);
});

onEveryEngine("servers that share a database send each notification once", async (database) => {
  await using world = await World.create();
  const config = { ...defaultConfig().notifications, webhooks: world.webhooks };
  const options = { notifications: config, environment: {}, clock: world.clock, log: silent };
  const open = () => Store.open(database.source, world.clock, silent, config);
  await using one = await open();
  // SQLite is for one server: two deliverers share its store.
  await using servers = new AsyncDisposableStack();
  const two = one.shared ? servers.use(await open()) : one;
  for (const store of [one, two, two]) servers.use(new Deliverer(store, options));
  const ids = await Promise.all(
    Array.from({ length: 30 }, (_, index) => tell(index % 2 === 0 ? one : two, `run-${index}`)),
  );
  const delivered = async (id: string) => (await listDeliveries(one.db, id)).every((it) => it.status === "delivered");
  for (const id of ids) await until(() => delivered(id));
  const received = world.receiver.received.map(({ headers }) => headers["x-makima-delivery"]);
  assert.equal(received.length, 30);
  assert.equal(new Set(received).size, 30);
});

/** A server's store on a file, with webhooks to receivers on loopback, and a clock that the test moves. */
class World implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly receiver: Receiver;
  readonly webhooks: WebhookConfig[];
  readonly #home: string;
  readonly #resources: AsyncDisposableStack;
  #store: Store | null = null;
  #configured: WebhookConfig[];

  private constructor(home: string, receivers: Receiver[], resources: AsyncDisposableStack) {
    const [receiver] = receivers;
    if (receiver === undefined) throw new Error("a world has a receiver");
    this.receiver = receiver;
    this.#home = home;
    this.#resources = resources;
    this.webhooks = receivers.map(({ port }) => {
      return { url: `http://127.0.0.1:${port}/hook?key=secret`, secretFile: join(home, "secret"), allowPrivate: true };
    });
    this.#configured = this.webhooks;
  }

  static async create({ also }: { also?: Receiver } = {}): Promise<World> {
    await using resources = new AsyncDisposableStack();
    const home = resources.use(await temporaryHome());
    const receiver = resources.use(await Receiver.start());
    await writeFile(join(home.path, "secret"), "s3cret\n", { mode: 0o600 });
    const world = new World(home.path, also === undefined ? [receiver] : [receiver, also], resources.move());
    await world.restart();
    return world;
  }

  get store(): Store {
    if (this.#store === null) throw new Error("the store is not open");
    return this.#store;
  }

  get #config() {
    return { ...defaultConfig().notifications, webhooks: this.#configured };
  }

  deliverer(log: Logger = silent): Deliverer {
    return new Deliverer(this.store, { notifications: this.#config, environment: {}, clock: this.clock, log });
  }

  async restart({ webhooks = this.webhooks }: { webhooks?: WebhookConfig[] } = {}): Promise<void> {
    await this.#store?.[Symbol.asyncDispose]();
    this.#configured = webhooks;
    const source = { kind: "sqlite", path: join(this.#home, "makima.db") } as const;
    this.#store = await Store.open(source, this.clock, silent, this.#config);
  }

  async tell(subject: string): Promise<string> {
    return tell(this.store, subject);
  }

  /** Waits for one of the notification's deliveries to be so. */
  async delivery(notificationId: string, condition: (delivery: Delivery) => boolean): Promise<Delivery> {
    const found: Delivery[] = [];
    await until(async () => {
      found.push(...(await listDeliveries(this.store.db, notificationId)).filter(condition));
      return found.length > 0;
    });
    const [first] = found;
    assert.ok(first !== undefined);
    return first;
  }

  /** Lets `ms` go by, once somebody waits for the end of it. */
  async pass(ms: number): Promise<void> {
    await until(() => this.clock.sleeping.some((left) => left <= ms));
    this.clock.advance(ms);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store?.[Symbol.asyncDispose]();
    await this.#resources.disposeAsync();
  }
}

async function tell(store: Store, subject: string): Promise<string> {
  const fixed = { kind: "task-failed", title: "Failed", body: "why", contractId: null, taskId: null } as const;
  await store.write((tx) => notify(tx, { ...fixed, subject }));
  const row = store.db.selectFrom("notifications").select("id").where("subject", "=", subject);
  return (await row.executeTakeFirstOrThrow()).id;
}

/** Never ends by itself. */
function flood(response: ServerResponse): void {
  response.writeHead(200);
  const more = () => {
    while (!response.destroyed && response.write("x".repeat(16 * 1024)));
  };
  response.on("drain", more);
  more();
}
