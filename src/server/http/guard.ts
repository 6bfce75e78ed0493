import { MakimaError } from "../../core/errors.ts";
import { authenticate } from "../auth/keys.ts";
import type { Principal } from "../auth/keys.ts";
import type { Db } from "../db/store.ts";

export interface GuardedRequest {
  host: string | undefined;
  origin: string | undefined;
  authorization: string | undefined;
}

/** Where this server may be spoken to: on loopback by its port, and under its public address. */
export interface Addresses {
  port: number;
  publicUrl: string | null;
}

/**
 * Refuses what a foreign web page could send: first by Host (DNS rebinding), then by Origin. Throws `forbidden`.
 * Requests of programs carry no Origin.
 */
export function requireOwnAddress({ host, origin }: GuardedRequest, addresses: Addresses): void {
  const own = ownOrigins(addresses).find((url) => url.host === host?.toLowerCase());
  if (own === undefined) throw new MakimaError("forbidden", `This server is not known as ${host ?? "nothing"}`);
  if (origin !== undefined && origin !== own.origin) {
    throw new MakimaError("forbidden", `Requests from ${origin} are not allowed`);
  }
}

/** Throws `unauthorized`. */
export async function requireToken(db: Db, { authorization }: GuardedRequest): Promise<Principal> {
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
  if (token === undefined) throw new MakimaError("unauthorized", "The request carries no key");
  const principal = await authenticate(db, token);
  if (principal === null) throw new MakimaError("unauthorized", "The key is not valid, or is no longer");
  return principal;
}

function ownOrigins({ port, publicUrl }: Addresses): URL[] {
  const loopback = ["localhost", "127.0.0.1", "[::1]"].map((name) => new URL(`http://${name}:${port}`));
  return publicUrl === null ? loopback : [...loopback, new URL(publicUrl)];
}
