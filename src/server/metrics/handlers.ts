import type { Db } from "../db/store.ts";
import type { RawHandlers } from "../http/context.ts";
import { isUnavailable } from "../unavailable.ts";
import { readState } from "./state.ts";
import type { State } from "./state.ts";

export const metricsRaw: Pick<RawHandlers, "metrics"> = {
  async metrics({ db, store: { metrics }, reply }) {
    const text = await metrics.text(await stateOf(db));
    await reply.type(metrics.contentType).send(text);
  },
};

/** While the database is away the server's own figures are wanted most. */
async function stateOf(db: Db): Promise<State | null> {
  try {
    return await readState(db);
  } catch (error) {
    if (isUnavailable(error)) return null;
    throw error;
  }
}
