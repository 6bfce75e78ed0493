import type { Logger } from "../../platform/log.ts";
import { isRevoked, keyTopic } from "../auth/keys.ts";
import type { Store } from "../db/store.ts";
import { Rerun } from "../rerun.ts";
import { isUnavailable } from "../unavailable.ts";

/** Calls `revoked` when the key ends, for what goes on under it after the request in which it was checked. */
export function watchKey(store: Store, keyId: string, log: Logger, revoked: () => void): AsyncDisposable {
  const look = new Rerun(
    async () => {
      if (await isRevoked(store.db, keyId)) revoked();
    },
    // When the database is back, everybody is woken.
    (error) => isUnavailable(error) || log.error({ err: error }, "could not see whether a key was revoked"),
  );
  const listener = store.wakeups.listen(keyTopic(keyId), () => look.request());
  // It may have been revoked since it was checked.
  look.request();
  return {
    [Symbol.asyncDispose]: async () => {
      listener[Symbol.dispose]();
      await look[Symbol.asyncDispose]();
    },
  };
}
