import { encodeEvent } from "../../protocol/run-events.ts";
import { EVENTS } from "../../protocol/streams.ts";
import { contract, finished, iterationStarted, started } from "./data.ts";
import { call, temporaryServer, until } from "./harness.ts";
import { FakeDaemon } from "./peers.ts";

/** A server with two contracts, whose tasks run, and a caller for a person and for each task's agent. */
export async function twoAgents() {
  await using resources = new AsyncDisposableStack();
  const { server } = resources.use(await temporaryServer());
  const daemon = resources.use(await FakeDaemon.connect(server));
  for (const name of ["one", "two"]) await call(server, "createContract", { ...contract, name });
  await daemon.spawned(2);
  const beginning = [started, iterationStarted(1)].map(encodeEvent).join("");
  const agents = daemon.spawns.map(({ spec }) => ({ ...spec, url: server.url, userKey: spec.taskToken }));
  const [mine, other] = agents;
  if (mine === undefined || other === undefined) throw new Error("two tasks were to be spawned");
  const append = ({ runId: run, fence }: typeof mine, offset: number, data: string) =>
    daemon.append({ run, fence, stream: EVENTS, offset }, data);
  for (const agent of agents) append(agent, 0, beginning);
  await until(() => agents.every(({ runId }) => daemon.acked(runId, EVENTS) === Buffer.byteLength(beginning)));
  const owned = resources.move();
  return {
    user: server,
    mine,
    other,
    end: async (agent: typeof mine) => append(agent, Buffer.byteLength(beginning), encodeEvent(finished())),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
