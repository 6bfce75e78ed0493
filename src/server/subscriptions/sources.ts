import { MakimaError } from "../../core/errors.ts";
import type { SubscriptionMessage } from "../../protocol/subscriptions.ts";
import { CHANGES_TOPIC, encodeStreamData, parseStreamTopic, streamTopic } from "../../protocol/topics.ts";
import type { Principal } from "../auth/keys.ts";
import { requireOwnRun } from "../auth/scope.ts";
import { readChanges } from "../changes/changes.ts";
import type { Db } from "../db/store.ts";
import { runEndedTopic } from "../db/wakeups.ts";
import { readStream } from "../runs/streams.ts";

/** Changes of one message. */
const CHANGES_PER_BATCH = 100;

/** What lies behind a cursor. */
export interface Batch {
  /** For the viewer; null when there is nothing. */
  frame: string | Uint8Array | null;
  cursor: number;
  /** The present end is reached. */
  atEnd: boolean;
  /** Nothing will ever follow. */
  complete: boolean;
}

export interface Source {
  /** Wake-up topics that announce something new. */
  topics: readonly string[];
  read(cursor: number): Promise<Batch>;
}

/** The source of a topic, for subscription `id`. Throws `not_found` or `forbidden`. */
export async function openSource(db: Db, principal: Principal, topic: string, id: number): Promise<Source> {
  if (topic === CHANGES_TOPIC) {
    if (principal.kind !== "user") throw new MakimaError("forbidden", "This key may not read the change feed");
    return changesSource(db, id);
  }
  const stream = parseStreamTopic(topic);
  if (stream === null) throw new MakimaError("not_found", `There is no topic ${topic}`);
  await requireOwnRun(db, principal, stream.runId);
  return streamSource(db, stream.runId, stream.stream, id);
}

function changesSource(db: Db, id: number): Source {
  return {
    topics: [CHANGES_TOPIC],
    async read(cursor) {
      const changes = await readChanges(db, cursor, CHANGES_PER_BATCH);
      const last = changes.at(-1);
      if (last === undefined) return { frame: null, cursor, atEnd: true, complete: false };
      const message: SubscriptionMessage = { type: "changes", id, changes };
      const atEnd = changes.length < CHANGES_PER_BATCH;
      return { frame: JSON.stringify(message), cursor: last.seq, atEnd, complete: false };
    },
  };
}

function streamSource(db: Db, runId: string, stream: string, id: number): Source {
  return {
    topics: [streamTopic(runId, stream), runEndedTopic(runId)],
    async read(cursor) {
      const { data, ...state } = await readStream(db, runId, stream, cursor);
      if (data.length === 0) return { frame: null, cursor, ...state };
      return { frame: encodeStreamData(id, cursor, data), cursor: cursor + data.length, ...state };
    },
  };
}
