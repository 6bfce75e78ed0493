import type { LoopConfig } from "../../platform/config/config.ts";

interface LimitFlags {
  maxIterations: number | null;
  /** ms */
  timeout: number | null;
}

/** The configured limits of the loop, but for what the command line says. */
export function limitsOf(configured: LoopConfig, { maxIterations, timeout }: LimitFlags): LoopConfig {
  return {
    ...configured,
    maxIterations: maxIterations ?? configured.maxIterations,
    wallClockMs: timeout ?? configured.wallClockMs,
  };
}
