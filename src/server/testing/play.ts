import type { Contract } from "../../protocol/api.ts";
import { encodeEvent } from "../../protocol/run-events.ts";
import type { RunSpec } from "../../protocol/run-spec.ts";
import { EVENTS } from "../../protocol/streams.ts";
import { streamTopic } from "../../protocol/topics.ts";
import { contract, finished, started } from "./data.ts";
import { call, until } from "./harness.ts";
import { FakeDaemon } from "./peers.ts";
import type { Where } from "./peers.ts";

/** The agent's output in the run's first iteration. */
export const OUT = "iterations/0001/out";

/** A run whose daemon the test plays. */
export interface PlayedRun {
  daemon: FakeDaemon;
  spec: RunSpec;
  contract: Contract;
  /** Of OUT. */
  topic: string;
  /** Appends to a stream; resolves when that is stored. */
  say: (stream: string, text: string | Uint8Array) => Promise<void>;
  /** The run has done what it should. */
  finish: () => Promise<void>;
}

export async function playRun(server: Where): Promise<PlayedRun> {
  const { contract: made } = await call(server, "createContract", contract);
  const daemon = await FakeDaemon.connect(server);
  const { spec } = await daemon.spawned();
  const sizes = new Map<string, number>();
  const say: PlayedRun["say"] = async (stream, text) => {
    const offset = sizes.get(stream) ?? 0;
    daemon.append({ run: spec.runId, fence: spec.fence, stream, offset }, text);
    sizes.set(stream, offset + text.length);
    await until(() => daemon.acked(spec.runId, stream) === offset + text.length);
  };
  const finish = () => say(EVENTS, encodeEvent(started) + encodeEvent(finished()));
  return { daemon, spec, contract: made, topic: streamTopic(spec.runId, OUT), say, finish };
}
