import type { Clock } from "../../platform/clock.ts";
import type { Logger } from "../../platform/log.ts";
import { keepIdentities } from "../daemons/identity.ts";
import type { Store } from "../db/store.ts";
import { Every } from "../every.ts";
import type { LinkRegistry } from "./registry.ts";

/** A sign of life is written down within this (ms), with everybody else's, for the other servers to see. */
const WRITE_EVERY = 1_000;

/** Keeps the identities of the daemons that are connected to this server; a link that has lost its own is closed. */
export function keepSignsOfLife(store: Store, registry: LinkRegistry, clock: Clock, log: Logger): AsyncDisposable {
  return new Every({ pauseMs: WRITE_EVERY, store, clock, log, task: "note the daemons' signs of life" }, async () => {
    const links = registry.takeSigns();
    if (links.length === 0) return;
    const holders = links.map(({ holder }) => holder);
    const kept = await store.write((tx) => keepIdentities(tx, holders));
    for (const link of links) if (!kept.has(link.holder.linkId)) link.superseded();
  });
}
