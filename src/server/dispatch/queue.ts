import { createHash } from "node:crypto";
import type { Labels } from "../../protocol/labels.ts";

/** Characters of the hash: 128 bits. */
const HASH_LENGTH = 32;

/**
 * Names the queue of a task: the tasks of one contract that ask for the same labels and the same daemon. Where one of
 * them cannot be started none can, so the dispatcher looks at the first alone. Short, because it is a key of an index.
 */
export function queueOf(contractId: string, labels: Labels, home: string | null): string {
  const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash("sha256")
    .update(JSON.stringify([home, sorted]))
    .digest("hex");
  return `${contractId} ${hash.slice(0, HASH_LENGTH)}`;
}
