import { createHash } from "node:crypto";
import type { NotificationsConfig, WebhookConfig } from "../../platform/config/config.ts";

/** Somewhere that notifications are to go to. */
export interface Addressee {
  /** Names it in the outbox, over all servers and restarts. */
  channel: string;
  /** What the delivery log calls it. */
  target: string;
  /** Kinds that go there; null: all. */
  kinds: readonly string[] | null;
  /** null: the desktop. */
  webhook: WebhookConfig | null;
}

/** All that are configured. A webhook that is named twice is one. */
export function addressees({ desktop, webhooks }: NotificationsConfig): Addressee[] {
  const all = webhooks.map(webhookAddressee);
  if (desktop) all.push({ channel: "desktop", target: "desktop", kinds: null, webhook: null });
  return [...new Map(all.map((addressee) => [addressee.channel, addressee])).values()];
}

function webhookAddressee(webhook: WebhookConfig): Addressee {
  const { origin, pathname } = new URL(webhook.url);
  // The hash tells webhooks apart that differ in what must not be shown: user, password and query.
  const channel = createHash("sha256").update(webhook.url).digest("hex");
  return { channel, target: `${origin}${pathname}`, kinds: webhook.kinds ?? null, webhook };
}
