import { idOf, text } from "../command.ts";
import type { Context } from "../context.ts";

/** For commands whose arguments name something else. */
export const CONTRACT_OPTION = {
  contract: text("--contract <contract>", "Id of the contract (default: MAKIMA_CONTRACT_ID)"),
};

/** The contract that such a command works in. */
export function contractOf({ env }: Context, { contract }: { contract: string | null }): string {
  return idOf(contract ?? env["MAKIMA_CONTRACT_ID"], "contract", "makima contract list");
}
