import { hostname } from "node:os";
import { pid } from "node:process";
import type { RunContext } from "../context.ts";

export async function start(run: RunContext): Promise<void> {
  const sandboxed = run.services.sandboxes.enabled || run.spec.bubblewrap;
  run.record({ type: "started", at: run.now(), host: hostname(), pid, sandbox: sandboxed ? "bubblewrap" : null });
}
