import { MakimaError } from "../../core/errors.ts";
import { isStreamName } from "../../protocol/streams.ts";
import type { Change, SubscriptionMessage } from "../../protocol/subscriptions.ts";
import { CHANGES_TOPIC, encodeStreamData, parseStreamTopic, streamTopic } from "../../protocol/topics.ts";
import type { Principal } from "../auth/keys.ts";
import { ownContract, resolveOwn } from "../auth/scope.ts";
import { readFeed } from "../changes/changes.ts";
import type { Db } from "../db/store.ts";
import { runEndedTopic } from "../db/wakeups.ts";
import { readStream } from "../runs/streams.ts";
import type { Source } from "./reader.ts";

/** Changes of one message. */
const CHANGES_PER_BATCH = 100;

/** A WebSocket frame: text, or bytes. */
export type Frame = string | Uint8Array;

/** A topic as the frames that subscription `id` is sent. Throws `not_found`, `ambiguous` or `forbidden`. */
export async function openTopic(db: Db, principal: Principal, topic: string, id: number): Promise<Source<Frame>> {
  if (topic === CHANGES_TOPIC) {
    return framed(changesSource(db, ownContract(principal)), (changes) => {
      const message: SubscriptionMessage = { type: "changes", id, changes };
      return JSON.stringify(message);
    });
  }
  const stream = parseStreamTopic(topic);
  if (stream === null) throw new MakimaError("not_found", `There is no topic ${topic}`);
  const source = await openStream(db, principal, stream.runId, stream.stream);
  return framed(source, (data, offset) => encodeStreamData(id, offset, data));
}

/**
 * The bytes of a run's stream, which need not exist yet; `run` may be shortened. Throws `not_found`, `ambiguous` or
 * `forbidden`.
 */
export async function openStream(
  db: Db,
  principal: Principal,
  run: string,
  stream: string,
): Promise<Source<Uint8Array>> {
  if (!isStreamName(stream)) throw new MakimaError("not_found", `No run has a stream ${stream}`);
  const runId = await resolveOwn(db, principal, "runs", run);
  return {
    topics: [streamTopic(runId, stream), runEndedTopic(runId)],
    async read(cursor) {
      const { data, ...state } = await readStream(db, runId, stream, cursor);
      return { data: data.length === 0 ? null : data, cursor: cursor + data.length, ...state };
    },
  };
}

/** `contractId`: only the changes of that contract; null: all of them. */
function changesSource(db: Db, contractId: string | null): Source<Change[]> {
  return {
    topics: [CHANGES_TOPIC],
    async read(cursor) {
      const page = await readFeed(db, { from: cursor, limit: CHANGES_PER_BATCH, contractId });
      const data = page.changes.length === 0 ? null : page.changes;
      return { data, cursor: page.cursor, atEnd: page.atEnd, complete: false };
    },
  };
}

function framed<T>(source: Source<T>, encode: (data: T, cursor: number) => Frame): Source<Frame> {
  return {
    topics: source.topics,
    async read(cursor) {
      const { data, ...rest } = await source.read(cursor);
      return { data: data === null ? null : encode(data, cursor), ...rest };
    },
  };
}
