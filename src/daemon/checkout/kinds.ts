import type { CheckoutKind } from "./checkout.ts";
import { sharedClone } from "./clone.ts";
import type { Kind } from "./kind.ts";
import { linkedWorktree } from "./worktree.ts";

const KINDS: Record<CheckoutKind, Kind> = { worktree: linkedWorktree, clone: sharedClone };

export function kindOf({ kind }: { kind: CheckoutKind }): Kind {
  return KINDS[kind];
}
