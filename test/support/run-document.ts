import { z } from "zod";

const Gate = z.strictObject({
  ready: z.boolean(),
  reason: z.string().nullable(),
  progress: z.string().nullable(),
  blockers: z.array(z.string()),
  extra: z.record(z.string(), z.unknown()),
});

/** What `run --json` and `resume --json` print: exactly these keys, because scripts of people rest on them. */
export const RunDocument = z.strictObject({
  contract: z.strictObject({ id: z.uuidv7(), name: z.string(), status: z.enum(["active", "completed"]) }),
  task: z.strictObject({
    id: z.uuidv7(),
    name: z.string(),
    status: z.enum(["completed", "failed", "cancelled"]),
    branch: z.string().nullable(),
    base: z.string().regex(/^[0-9a-f]{40}$/),
    head: z
      .string()
      .regex(/^[0-9a-f]{40}$/)
      .nullable(),
    reason: z.string().nullable(),
  }),
  iterations: z.array(
    z.strictObject({
      index: z.int(),
      sessionId: z.uuid().nullable(),
      gate: Gate.nullable(),
      changed: z.boolean().nullable(),
      error: z.string().nullable(),
      verdict: z.enum(["done", "continue", "wait", "stop"]).nullable(),
      costUsd: z.number(),
      durationMs: z.int().nullable(),
    }),
  ),
  verification: z.enum(["verified", "regression-only", "unverified"]).nullable(),
  checks: z.array(
    z.strictObject({
      command: z.string(),
      passed: z.boolean(),
      exitCode: z.int().nullable(),
      baseline: z.boolean().nullable(),
    }),
  ),
  tampering: z.array(z.strictObject({ kind: z.string(), path: z.string().nullable(), detail: z.string() })),
  costUsd: z.number(),
  worktree: z.string().nullable(),
  /** Only of `--merge`. */
  landing: z
    .strictObject({
      landed: z.boolean(),
      operations: z.array(
        z.strictObject({
          id: z.uuidv7(),
          kind: z.enum(["MergeBranch", "CreatePullRequest"]),
          result: z.record(z.string(), z.unknown()).nullable(),
          error: z.strictObject({ code: z.string(), message: z.string(), hint: z.string() }).nullable(),
        }),
      ),
    })
    .optional(),
});
export type RunDocument = z.infer<typeof RunDocument>;
