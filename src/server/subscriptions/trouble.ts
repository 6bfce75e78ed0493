import type { SubscriptionMessage } from "../../protocol/subscriptions.ts";
import type { Away, Store } from "../db/store.ts";
import { DATABASE_TOPIC } from "../db/wakeups.ts";
import { Rerun } from "../rerun.ts";

/** Tells a viewer what the server cannot do now, whenever that changes. `tell` resolves when it was told. */
export function tellTrouble(store: Store, tell: (message: SubscriptionMessage) => Promise<void>): AsyncDisposable {
  let told: Away | null = null;
  // Whoever reads slowly is told of what is then, not of everything that was in the meantime.
  const telling = new Rerun(
    async () => {
      const { away } = store;
      if (away?.since === told?.since && away?.problem === told?.problem) return;
      told = away;
      await tell({ type: "trouble", trouble: away });
    },
    () => {},
  );
  const listener = store.wakeups.listen(DATABASE_TOPIC, () => telling.request());
  telling.request();
  return {
    [Symbol.asyncDispose]: async () => {
      listener[Symbol.dispose]();
      await telling[Symbol.asyncDispose]();
    },
  };
}
