import { z } from "zod";

/** What a daemon offers, or what a task asks of the daemon that is to work on it: `gpu=yes`. */
export const Labels = z
  .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/), z.string().regex(/^[A-Za-z0-9._:@/-]{1,200}$/))
  .refine((labels) => Object.keys(labels).length <= 50, "at most 50 labels");
export type Labels = z.infer<typeof Labels>;
