import { resolveOwn } from "../auth/scope.ts";
import type { RawHandlers, ReadHandlers } from "../http/context.ts";
import { openStream } from "../subscriptions/sources.ts";
import { listStreams } from "./streams.ts";

export const runReads: Pick<ReadHandlers, "listStreams"> = {
  async listStreams({ db, principal }, { params }) {
    return { streams: await listStreams(db, await resolveOwn(db, principal, "runs", params.id)) };
  },
};

export const runRaw: Pick<RawHandlers, "readStream"> = {
  async readStream({ db, principal, request, reply }, { params, query: { stream, from, follow } }) {
    const source = await openStream(db, principal, params.id, stream);
    await request.server.responses.send({ reply, principal, source, from, follow: follow === "true" });
  },
};
