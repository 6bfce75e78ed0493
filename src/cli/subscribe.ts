import { Subscriber } from "../client/subscriber.ts";
import type { Trouble } from "../client/subscriber.ts";
import { MINUTE } from "../platform/config/units.ts";
import type { Connection } from "./connect.ts";
import { inline } from "./format.ts";
import type { Output } from "./output.ts";
import { openSocket } from "./socket.ts";

/** A server that is restarted or upgraded is back long before (ms). */
const GIVE_UP_AFTER = 2 * MINUTE;

export interface SubscribeOptions {
  onTrouble: (trouble: Trouble | null) => void;
  /** ms without a connection; Infinity: never. */
  giveUpAfter?: number;
}

export function createSubscriber(
  { endpoint }: Connection,
  { onTrouble, giveUpAfter = GIVE_UP_AFTER }: SubscribeOptions,
): Subscriber {
  return new Subscriber({ endpoint, openSocket, giveUpAfter, onTrouble });
}

/** Tells someone who watches why nothing happens, and when that is over. */
export function tellTrouble(output: Output): (trouble: Trouble | null) => void {
  return (trouble) => output.progress(`makima: ${trouble === null ? "All is well again." : inline(trouble.problem)}`);
}
