import type { MakimaError } from "../../src/core/errors.ts";
import type { OperationKind, OperationResult, OrderOf } from "../../src/protocol/operations.ts";
import { encodeEvent } from "../../src/protocol/run-events.ts";
import type { RunEvent } from "../../src/protocol/run-events.ts";
import { EVENTS } from "../../src/protocol/streams.ts";
import { started } from "../../src/server/testing/data.ts";
import { temporaryHome, until } from "../../src/server/testing/harness.ts";
import { newWorld } from "../../src/server/testing/world.ts";
import type { Side, World } from "../../src/server/testing/world.ts";
import { commandLine } from "./command-line.ts";
import type { CommandLineOptions, Printed } from "./command-line.ts";

type Options = Omit<CommandLineOptions, "env">;

/** A world whose commands a test types, and whose daemon it plays. */
export interface SupervisedWorld extends World {
  /** A command of a person, outside of any task. */
  person(args: readonly string[], options?: Options): Promise<Printed>;
  /** A command that the agent of a side's task runs; of the supervisor's, if none is named. */
  agent(args: readonly string[], options?: Options & { side?: Side }): Promise<Printed>;
  /** Bytes that the daemon appends to a stream of a side's run; resolves when they are stored. */
  append(side: Side, stream: string, data: string | Uint8Array): Promise<void>;
  /** The same for events. */
  happen(side: Side, ...events: RunEvent[]): Promise<void>;
  /** Ends the next operation of that kind, and gives the order that the daemon got. */
  carryOut<K extends OperationKind>(kind: K, outcome: OperationResult<K> | MakimaError): Promise<OrderOf<K>>;
}

export async function newSupervisedWorld(): Promise<SupervisedWorld> {
  await using resources = new AsyncDisposableStack();
  const { path: home } = resources.use(await temporaryHome());
  const world = resources.use(await newWorld());
  const shared = { MAKIMA_HOME: home, HOME: home, MAKIMA_API_URL: world.server.url };
  const append = appender(world);
  const owned = resources.move();
  return {
    ...world,
    person: (args, options) =>
      commandLine(args, { ...options, env: { ...shared, MAKIMA_API_KEY: world.server.userKey } }),
    agent: (args, { side = world.supervised, ...options } = {}) => {
      const ids = { MAKIMA_TASK_ID: side.taskId, MAKIMA_CONTRACT_ID: side.contractId };
      return commandLine(args, { ...options, env: { ...shared, ...ids, MAKIMA_API_KEY: side.taskToken } });
    },
    append,
    happen: (side, ...events) => append(side, EVENTS, events.map(encodeEvent).join("")),
    carryOut: operator(world),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function appender({ daemon }: World): SupervisedWorld["append"] {
  const sizes = new Map<string, number>();
  return async ({ runId }, stream, data) => {
    const key = `${runId} ${stream}`;
    // The world has told that its runs have started.
    const offset = sizes.get(key) ?? (stream === EVENTS ? Buffer.byteLength(encodeEvent(started)) : 0);
    const fence = daemon.spawns.find(({ spec }) => spec.runId === runId)?.spec.fence ?? 0;
    daemon.append({ run: runId, fence, stream, offset }, data);
    const end = offset + Buffer.byteLength(data);
    sizes.set(key, end);
    await until(() => daemon.acked(runId, stream) === end);
  };
}

function operator({ daemon }: World): SupervisedWorld["carryOut"] {
  const ended = new Set<string>();
  return async <K extends OperationKind>(kind: K, outcome: OperationResult<K> | MakimaError) => {
    const next = () => daemon.of("command").find(({ id, command }) => command.kind === kind && !ended.has(id));
    await until(() => next() !== undefined);
    const { id, command } = next() ?? {};
    if (id === undefined || command === undefined) throw new Error(`no order for ${kind}`);
    ended.add(id);
    const failed = outcome instanceof Error;
    daemon.tell({
      type: "commandDone",
      id,
      error: failed ? outcome.toBody() : null,
      result: failed ? null : { ...outcome },
    });
    return command as OrderOf<K>;
  };
}
