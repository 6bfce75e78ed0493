import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { errorBody } from "../../core/errors.ts";
import { isPresent, readRecord } from "../checkout/checkout.ts";
import type { CheckoutRecord } from "../checkout/checkout.ts";

/** A checkout that makima has made, or began to make, or to remove. */
export interface KnownCheckout {
  /** Where it is, or was to be. */
  dir: string;
  record: CheckoutRecord;
}

/** What is at the place of a known checkout. */
export type Found =
  | { state: "whole" }
  /** Half made, half removed, or deleted by somebody else. */
  | { state: "unfinished" }
  /** Something that makima did not make. */
  | { state: "replaced"; reason: string };

/** Records that are read at a time. */
const AT_ONCE = 8;

/** The checkouts in the directory `root`, by name. What is no record, or none that can be read, is nobody's here. */
export async function knownCheckouts(root: string): Promise<KnownCheckout[]> {
  const names = (await readdir(root)).flatMap((name) => /^([^.]+)\.json$/.exec(name)?.[1] ?? []).toSorted();
  const known: KnownCheckout[] = [];
  for (let index = 0; index < names.length; index += AT_ONCE) {
    const read = names.slice(index, index + AT_ONCE).map((name) => readKnown(join(root, name)));
    for (const checkout of await Promise.all(read)) if (checkout !== null) known.push(checkout);
  }
  return known;
}

export async function lookAt({ dir, record }: KnownCheckout): Promise<Found> {
  if (record.made === null) return { state: "unfinished" };
  try {
    return { state: (await isPresent(dir, record.made)) ? "whole" : "unfinished" };
  } catch (error) {
    return { state: "replaced", reason: errorBody(error).message };
  }
}

/** Paths in `root` that belong to no known checkout: makima did not make them, or does not know any more that it did. */
export async function strangers(root: string, known: readonly KnownCheckout[]): Promise<string[]> {
  const ours = new Set(known.map(({ dir }) => basename(dir)));
  // What lies beside a checkout begins with its name, and a dot; names that begin with one are makima's own.
  const others = (await readdir(root)).filter((name) => !ours.has(/^[^.]*/.exec(name)?.[0] ?? ""));
  return others
    .filter((name) => !name.startsWith("."))
    .map((name) => join(root, name))
    .toSorted();
}

async function readKnown(dir: string): Promise<KnownCheckout | null> {
  try {
    const record = await readRecord(dir);
    return record === null ? null : { dir, record };
  } catch {
    return null;
  }
}
