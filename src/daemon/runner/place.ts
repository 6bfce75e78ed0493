import { openCheckout } from "../checkout/checkout.ts";
import type { SandboxedProcess } from "../sandbox/policy.ts";
import type { RunContext } from "./context.ts";

/** Where a run's sandboxed processes work, and what they share. */
export async function sandboxPlace({ spec, services, state }: RunContext): Promise<Omit<SandboxedProcess, "env">> {
  const { dir, commonDir } = await openCheckout(state.checkout?.worktree ?? "");
  return { dir, repository: commonDir, caches: services.sandboxes.caches(spec.contractId) };
}
