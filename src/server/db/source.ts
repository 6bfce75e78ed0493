import { MakimaError } from "../../core/errors.ts";

/** Where everything is kept: a file of this machine, or a PostgreSQL database that several servers share. */
export type DatabaseSource = { kind: "sqlite"; path: string } | { kind: "postgres"; url: string };

/** What messages call the database: never its user, password or options. */
export function nameOf(source: DatabaseSource): string {
  if (source.kind === "sqlite") return source.path;
  const url = parseUrl(source.url);
  const host = url.searchParams.get("host") ?? url.host;
  return `PostgreSQL database ${databaseOf(source.url) || "(default)"} at ${host || "localhost"}`;
}

/** The name of the database of a PostgreSQL URL; "" where the URL leaves it to the user's name. */
export function databaseOf(url: string): string {
  return decodeURIComponent(parseUrl(url).pathname.slice(1));
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && /^postgres(ql)?:$/.test(url.protocol)) return url;
  // The text itself may hold a password.
  throw new MakimaError("config_invalid", "The database URL is not one of PostgreSQL", {
    hint: "It has the form postgres://USER:PASSWORD@HOST:5432/NAME, or postgres:///NAME?host=/DIRECTORY/OF/SOCKET.",
  });
}
