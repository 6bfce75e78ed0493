import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { WebSocket } from "ws";
import { shortId } from "../../core/ids.ts";
import { KeepAlive } from "../../platform/keep-alive.ts";
import type { Logger } from "../../platform/log.ts";
import { LINK_DEAD_AFTER, LINK_PING_EVERY, LINK_VERSION } from "../../protocol/link.ts";
import type { ServerMessage } from "../../protocol/link.ts";
import { openCommands } from "../commands/commands.ts";
import type { OpenCommand } from "../commands/commands.ts";
import { cleanUpAgain } from "../contracts/clean-up.ts";
import { holdsIdentity, identityTopic, releaseIdentity, takeIdentity } from "../daemons/identity.ts";
import type { Denial, Holder } from "../daemons/identity.ts";
import { noteWorktrees } from "../daemons/worktrees.ts";
import type { WorktreesSize } from "../daemons/worktrees.ts";
import type { Store, Write } from "../db/store.ts";
import { commandsTopic } from "../db/wakeups.ts";
import { requeueForgotten } from "../leases/forgotten.ts";
import { Rerun } from "../rerun.ts";
import type { AppendSource, GroupCommit } from "../runs/group-commit.ts";
import { weightOf } from "../runs/ingest.ts";
import type { Append, Receipt } from "../runs/ingest.ts";
import { watchKey } from "../subscriptions/revocation.ts";
import { isUnavailable } from "../unavailable.ts";
import { commandDone } from "./command-done.ts";
import type { CommandDone } from "./command-done.ts";
import { answerHello, checkoutsOf, introductionOf } from "./hello.ts";
import type { Hello } from "./hello.ts";
import { parseFrame } from "./messages.ts";
import type { Incoming } from "./messages.ts";
import type { Connected, LinkRegistry } from "./registry.ts";

/** Weight of what waits to be committed above which the socket is not read, and below which it is again (bytes). */
const HIGH_WATER = 8 * 1024 * 1024;
const LOW_WATER = 4 * 1024 * 1024;

/** What a transaction of its own counts for among them, apart from what it is about. */
const TRANSACTION_WEIGHT = 64 * 1024;

/** Longest description of what was wrong with a message: there may be as much wrong as a frame can hold. */
const MAX_COMPLAINT = 500;

/** WebSocket close codes. */
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;
const INTERNAL_ERROR = 1011;
const TRY_AGAIN_LATER = 1013;

export interface LinkServices {
  store: Store;
  registry: LinkRegistry;
  commits: GroupCommit;
  log: Logger;
}

/**
 * One daemon's connection: `hello` first, then its appends to the group commit and the server's commands to it. It owns
 * nothing that outlives it; whatever it did not finish is repeated over the next connection, to whichever server.
 */
export class DaemonLink implements AppendSource, Connected {
  readonly #socket: WebSocket;
  readonly #services: LinkServices;
  readonly #linkId = randomUUID();
  readonly #keepAlive: KeepAlive;
  readonly #keyId: string;
  readonly #key: AsyncDisposable;
  readonly #attention: Rerun;
  readonly #closed = Promise.withResolvers<void>();
  #phase: "new" | "greeting" | "ready" = "new";
  #daemonId = "";
  #welcomed: Promise<void> = Promise.resolve();
  #wakeups = new DisposableStack();
  #delivered = 0;
  #waiting = 0;
  #sign = false;
  #size: WorktreesSize | null = null;

  constructor(socket: WebSocket, keyId: string, services: LinkServices) {
    this.#socket = socket;
    this.#services = services;
    this.#keepAlive = new KeepAlive(socket, { every: LINK_PING_EVERY, deadAfter: LINK_DEAD_AFTER });
    this.#attention = new Rerun(
      () => this.#attend(),
      (error) => this.failed(error),
    );
    this.#keyId = keyId;
    this.#key = watchKey(services.store, keyId, services.log, () =>
      this.#close(POLICY_VIOLATION, "the key was revoked"),
    );
    services.registry.opened(this);
    for (const event of ["message", "pong"]) socket.on(event, () => (this.#sign = true));
    socket.on("message", (data: Buffer, binary) => this.#receive(data, binary));
    socket.on("close", () => void this.#end());
  }

  get holder(): Holder {
    return { daemonId: this.#daemonId, linkId: this.#linkId };
  }

  takeSign(): boolean {
    // What is not read cannot be heard: that is our doing, not the daemon's silence.
    const sign = this.#phase === "ready" && (this.#sign || this.#socket.isPaused);
    this.#sign = false;
    return sign;
  }

  committed(receipts: readonly Receipt[], weight: number): void {
    this.#release(weight);
    for (const receipt of receipts) {
      if (receipt.kind === "fenced") this.#send({ type: "fenced", run: receipt.run });
      else this.#send({ type: "ack", run: receipt.run, stream: receipt.stream, offset: receipt.offset });
    }
  }

  superseded(): void {
    if (!this.#isOpen()) return;
    this.#services.log.warn({ daemon: this.#daemonId }, "closing a link that its daemon's identity was taken from");
    this.#close(GOING_AWAY, "another connection has the daemon's identity");
  }

  failed(error: unknown): void {
    if (!this.#isOpen()) return;
    if (isUnavailable(error)) return this.#close(TRY_AGAIN_LATER, "the database is away");
    this.#services.log.error({ err: error, daemon: this.#daemonId }, "closing a daemon's link after an error");
    this.#close(INTERNAL_ERROR, "the server could not go on");
  }

  async close(): Promise<void> {
    this.#close(GOING_AWAY, "the server stops");
    this.#socket.terminate();
    await this.#closed.promise;
  }

  #receive(data: Buffer, binary: boolean): void {
    if (!this.#isOpen()) return;
    let message: Incoming;
    try {
      message = parseFrame(data, binary);
    } catch (error) {
      this.#refuse(`malformed message: ${String(error).slice(0, MAX_COMPLAINT)}`);
      return;
    }
    if (message.type === "hello") this.#greet(message);
    else if (this.#phase !== "ready") this.#refuse(`"${message.type}" before the welcome`);
    else if (message.type === "append") this.#append(message.append);
    else if (message.type === "commandDone") void this.#commandDone(message, TRANSACTION_WEIGHT + data.length);
    else if (message.worktrees !== undefined) void this.#measured(message.worktrees);
    // Any other heartbeat has done all that it is for by arriving.
  }

  #append(append: Append): void {
    this.#take(weightOf(append));
    this.#services.commits.add(this, append);
  }

  async #commandDone(done: CommandDone, weight: number): Promise<void> {
    const { log } = this.#services;
    await this.#write(weight, (tx) => commandDone(tx, this.holder, done, log));
  }

  /** Heartbeats come often, and say the same most of the time. */
  async #measured(size: WorktreesSize): Promise<void> {
    if (isDeepStrictEqual(size, this.#size)) return;
    this.#size = size;
    await this.#write(TRANSACTION_WEIGHT, (tx) => noteWorktrees(tx, this.holder, size));
  }

  /** `work` in a transaction of its own; it gives false where the connection does not hold the daemon's identity. */
  async #write(weight: number, work: (tx: Write) => Promise<boolean>): Promise<void> {
    this.#take(weight);
    try {
      if (!(await this.#services.store.write(work))) this.superseded();
    } catch (error) {
      this.failed(error);
    }
    this.#release(weight);
  }

  #greet(hello: Hello): void {
    if (this.#phase !== "new") return this.#refuse("a second hello");
    if (hello.version !== LINK_VERSION) {
      return this.#refuse(`This server speaks version ${LINK_VERSION} of the link, the daemon ${hello.version}`);
    }
    this.#phase = "greeting";
    this.#daemonId = hello.daemonId;
    this.#welcomed = this.#welcome(hello).catch((error: unknown) => this.failed(error));
  }

  async #welcome(hello: Hello): Promise<void> {
    const { store } = this.#services;
    const known = new Set(hello.runs.map(({ runId }) => runId));
    const claim = { linkId: this.#linkId, keyId: this.#keyId };
    const denied = await store.write(async (tx) => {
      const denial = await takeIdentity(tx, introductionOf(hello), claim);
      if (denial !== null) return denial;
      await requeueForgotten(tx, hello.daemonId, known);
      await cleanUpAgain(tx, hello.daemonId, checkoutsOf(hello));
      return null;
    });
    if (denied !== null) return this.#refuse(wordsFor(denied, hello));
    for (const topic of [identityTopic(hello.daemonId), commandsTopic(hello.daemonId)]) {
      this.#wakeups.use(store.wakeups.listen(topic, () => this.#attention.request()));
    }
    const answer = await answerHello(store.db, this.holder, hello);
    if (answer === null) return this.superseded();
    for (const message of answer) this.#send(message);
    this.#phase = "ready";
    this.#attention.request();
  }

  /**
   * Sends what there is to do: in the order given, but clean-ups first, for a daemon that was away may need the room; each
   * once per connection, and what is not reported done comes again over the next one. A link that does not speak for the
   * daemon any more says nothing, and closes.
   */
  async #attend(): Promise<void> {
    if (this.#phase !== "ready" || !this.#isOpen()) return;
    const { db } = this.#services.store;
    const commands = await openCommands(db, this.#daemonId, this.#delivered);
    if (!(await holdsIdentity(db, this.holder))) return this.superseded();
    const rank = ({ command }: OpenCommand) => Number(command.kind !== "CleanupWorktree");
    // The sort is stable.
    for (const { id, command } of commands.toSorted((a, b) => rank(a) - rank(b))) {
      this.#send({ type: "command", id, command });
    }
    this.#delivered = commands.at(-1)?.seq ?? this.#delivered;
  }

  #take(weight: number): void {
    this.#waiting += weight;
    if (this.#waiting > HIGH_WATER) this.#socket.pause();
  }

  #release(weight: number): void {
    this.#waiting -= weight;
    if (this.#socket.isPaused && this.#waiting <= LOW_WATER) this.#socket.resume();
  }

  #refuse(message: string): void {
    this.#services.log.warn({ daemon: this.#daemonId, reason: message }, "refused a daemon's link");
    this.#send({ type: "refused", message });
    this.#close(POLICY_VIOLATION, "refused");
  }

  #send(message: ServerMessage): void {
    if (this.#isOpen()) this.#socket.send(JSON.stringify(message));
  }

  #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** What still arrives is not looked at, but the other side's goodbye is. */
  #close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    this.#socket.resume();
  }

  async #end(): Promise<void> {
    const { store, registry, log } = this.#services;
    this.#keepAlive[Symbol.dispose]();
    await this.#welcomed;
    this.#wakeups.dispose();
    await this.#key[Symbol.asyncDispose]();
    await this.#attention[Symbol.asyncDispose]();
    try {
      if (this.#phase !== "new") await store.write((tx) => releaseIdentity(tx, this.holder));
    } catch (error) {
      // Then the servers find out by its silence.
      if (!isUnavailable(error))
        log.error({ err: error, daemon: this.#daemonId }, "could not note a daemon as offline");
    }
    registry.closed(this);
    this.#closed.resolve();
  }
}

function wordsFor(denial: Denial, { daemonId, host }: Hello): string {
  if (denial.kind === "held") {
    return `Two daemons have the identity ${daemonId}: one on ${denial.host} is connected, this one is on ${host}`;
  }
  const revoke = `makima key revoke ${shortId(denial.keyId)}`;
  return `The identity ${daemonId} belongs to another key: use that one, or revoke it first (${revoke})`;
}
