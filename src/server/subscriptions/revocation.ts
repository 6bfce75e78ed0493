import type { Logger } from "../../platform/log.ts";
import { keyEnd, keyTopic } from "../auth/keys.ts";
import type { Store } from "../db/store.ts";
import { Rerun } from "../rerun.ts";
import { isUnavailable } from "../unavailable.ts";

/** Calls `ended` when the key is revoked or expires, for what goes on under it after the request in which it was checked. */
export function watchKey(store: Store, keyId: string, log: Logger, ended: () => void): AsyncDisposable {
  const { clock } = store;
  const closing = new AbortController();
  const look = new Rerun(
    async () => {
      const end = await keyEnd(store.db, keyId);
      const left = end === null ? null : end - clock.now();
      if (left !== null && left <= 0) ended();
      else if (left !== null) lookAgainIn(left);
    },
    // When the database is back, everybody is woken.
    (error) => isUnavailable(error) || log.error({ err: error }, "could not see whether a key was revoked"),
  );
  const lookAgainIn = (ms: number): void => {
    clock.sleep(ms, closing.signal).then(
      () => look.request(),
      () => undefined,
    );
  };
  const listener = store.wakeups.listen(keyTopic(keyId), () => look.request());
  // It may have been revoked since it was checked.
  look.request();
  return {
    [Symbol.asyncDispose]: async () => {
      listener[Symbol.dispose]();
      closing.abort();
      await look[Symbol.asyncDispose]();
    },
  };
}
