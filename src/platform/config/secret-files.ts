import type { LoadedConfig } from "./load.ts";

/** The configuration file, and every file that it names because there is a secret in it; absolute. */
export function secretFiles({ config, file }: LoadedConfig): string[] {
  const { server, daemon, notifications } = config;
  const named = [file, server.tlsKey, daemon.apiKeyFile, ...notifications.webhooks.map((hook) => hook.secretFile)];
  return named.filter((path) => path !== null);
}
