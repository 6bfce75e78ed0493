import { z } from "zod";

/**
 * Text from outside. NUL and lone surrogates are refused: PostgreSQL cannot store the one, UTF-8 not the other, and no
 * person types either. `max` in UTF-16 units.
 */
export function text(max: number): z.ZodString {
  return z.string().min(1).max(max).refine(isStorable, "holds NUL or a lone surrogate");
}

/** The same, in one line. */
export function line(max: number): z.ZodString {
  return text(max).refine((value) => !/[\n\r]/.test(value), "must be one line");
}

function isStorable(value: string): boolean {
  return value.isWellFormed() && !value.includes("\0");
}
