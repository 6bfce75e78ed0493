import { z } from "zod";

/** A UUIDv7, or in a request an unambiguous beginning or end of one. */
export const Id = z.string().min(1).max(100);

/** Epoch milliseconds. */
export const Time = z.int();
