import { requireOwnRun } from "../auth/scope.ts";
import type { RawHandlers, ReadHandlers } from "../http/context.ts";
import { resolveId } from "../ids.ts";
import { openStream } from "../subscriptions/sources.ts";
import { listStreams } from "./streams.ts";

export const runReads: Pick<ReadHandlers, "listStreams"> = {
  async listStreams({ db, principal }, { params }) {
    const id = await resolveId(db, "runs", params.id);
    await requireOwnRun(db, principal, id);
    return { streams: await listStreams(db, id) };
  },
};

export const runRaw: Pick<RawHandlers, "readStream"> = {
  async readStream({ db, principal, request, reply }, { params, query: { stream, from, follow } }) {
    const id = await resolveId(db, "runs", params.id);
    const source = await openStream(db, principal, id, stream);
    await request.server.responses.send({ reply, principal, source, from, follow: follow === "true" });
  },
};
