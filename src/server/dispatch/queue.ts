import { createHash } from "node:crypto";
import type { Task } from "../../protocol/api.ts";
import type { Labels } from "../../protocol/labels.ts";

/** Characters of the hash: 128 bits. */
const HASH_LENGTH = 32;

/** What a task asks of whoever starts it. */
export interface Demand {
  contractId: string;
  role: Task["role"];
  labels: Labels;
  /** The only daemon that it may go to; null: any. */
  home: string | null;
}

/**
 * Names the queue of a task: the tasks of one contract that ask for the same. Where one of them cannot be started none
 * can, so the dispatcher looks at the first alone. Short, because it is a key of an index.
 */
export function queueOf({ contractId, role, labels, home }: Demand): string {
  const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash("sha256")
    .update(JSON.stringify([role, home, sorted]))
    .digest("hex");
  return `${contractId} ${hash.slice(0, HASH_LENGTH)}`;
}
