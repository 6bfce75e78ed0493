import type { Config } from "../config/config.ts";
import type { Environment } from "../config/paths.ts";
import { Redaction, Redactor } from "./redactor.ts";

/**
 * What this process knows to be secret, for as long as it runs. One for the process: whoever comes by a secret tells it
 * here, and whoever writes for others to read need not be handed it. Shapes of secrets are known from the beginning.
 */
let redactor = new Redactor([]);
const known = new Set<string>();

/** From now on these are in no text that `redact` gives. What is shorter than 8 characters is not taken for a secret. */
export function learnSecrets(values: Iterable<string>): void {
  const fresh = [...values].map((value) => value.trim()).filter((value) => !known.has(value));
  if (fresh.length === 0) return;
  for (const value of fresh) known.add(value);
  redactor = new Redactor(known);
}

/** The text without the secrets that this process knows, and without what looks like one. */
export function redact(text: string): string {
  return redactor.redact(text);
}

/** The same for a text that is written piece by piece. What is learnt while a secret may be half written counts from its end on. */
export function redactStream(): (chunk: string) => string {
  let current = redactor;
  let redaction = new Redaction(current);
  return (chunk) => {
    if (current !== redactor && redaction.idle) {
      current = redactor;
      redaction = new Redaction(current);
    }
    return redaction.write(chunk);
  };
}

/** What an environment and a configuration hold of credentials: variables by their names, and passwords in addresses. */
export function credentialsIn(env: Environment, { agents, database, notifications }: Config): string[] {
  const variables = [env, ...Object.values(agents).map((agent) => agent.env)].flatMap(
    Object.entries<string | undefined>,
  );
  const named = variables.filter(([name]) => SECRET_NAME.test(name) && !HARMLESS_NAME.test(name));
  const urls = [database.url, ...notifications.webhooks.map(({ url }) => url)];
  return [...named.map(([, value]) => value ?? ""), ...urls.flatMap((url) => secretsOfUrl(url ?? ""))];
}

const SECRET_NAME =
  /TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|COOKIE|AUTH|(?:API|PRIVATE|ACCESS)_?KEY|(?:_|^)(?:KEY|PASS|PAT)$|_PWD$/i;

/** They say where a secret is, or something about it. */
const HARMLESS_NAME = /_(?:FILE|PATH|DIR|SOCK|SOCKET|URL|URI|HOST|PORT|NAME|TTL)$/i;

/** Webhooks carry theirs in the query. */
function secretsOfUrl(text: string): string[] {
  const url = URL.parse(text);
  if (url === null) return [];
  return [url.password, decoded(url.password), ...url.searchParams.values()];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
