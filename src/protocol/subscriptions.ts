import { z } from "zod";

/** Most changes in one page or frame. */
export const MAX_CHANGES = 500;

export const ViewerMessage = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("subscribe"),
    /** Chosen by the viewer; repeated in everything that answers it. */
    id: z.int().min(0),
    topic: z.string().max(300),
    from: z.int().min(0),
    /** false: end the subscription where the stream ends now. */
    follow: z.boolean(),
  }),
  z.strictObject({ type: z.literal("unsubscribe"), id: z.int().min(0) }),
]);
export type ViewerMessage = z.infer<typeof ViewerMessage>;

/**
 * One entry of the change feed: which thing changed and what it is now, in commit order without gaps. A task's key sees
 * only those of its contract, under the numbers that they have in the whole feed.
 */
export const Change = z.strictObject({
  seq: z.int(),
  at: z.int(),
  kind: z.enum(["contract", "task", "run", "daemon", "question", "notification", "file", "report", "operation"]),
  id: z.string(),
  data: z.record(z.string(), z.unknown()),
});
export type Change = z.infer<typeof Change>;

/** What the server sends; stream bytes come as binary frames, see encodeStreamData. */
export const SubscriptionMessage = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("changes"), id: z.int(), changes: z.array(Change) }),
  /** The stream is complete (or `follow` was false and its present end is reached). */
  z.strictObject({ type: z.literal("end"), id: z.int(), cursor: z.int() }),
  /** Sent when it changes: what the server cannot do now. null: all is well again. */
  z.strictObject({
    type: z.literal("trouble"),
    trouble: z.strictObject({ since: z.int(), problem: z.string() }).nullable(),
  }),
  z.strictObject({
    type: z.literal("error"),
    id: z.int().nullable(),
    error: z.strictObject({ code: z.string(), message: z.string(), hint: z.string() }),
  }),
]);
export type SubscriptionMessage = z.infer<typeof SubscriptionMessage>;
