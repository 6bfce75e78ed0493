import type { FastifyRequest } from "fastify";
import type { Socket } from "node:net";
import { MakimaError } from "../../core/errors.ts";

/** How this server may be called, besides by the address and port that a connection was made to. */
export interface Names {
  protocol: "http" | "https";
  publicUrl: URL | null;
}

/**
 * Refuses what a foreign web page could send: first by Host (DNS rebinding), then by Origin. Throws `forbidden`.
 * Requests of programs carry no Origin.
 */
export function requireOwnAddress({ headers, socket }: FastifyRequest, names: Names): void {
  const { host, origin } = headers;
  const own = ownOrigin(host?.toLowerCase(), socket, names);
  if (own === null) throw new MakimaError("forbidden", `This server is not known as ${host ?? "nothing"}`);
  if (origin !== undefined && origin !== own) {
    throw new MakimaError("forbidden", `Requests from ${origin} are not allowed`);
  }
}

/** The token of an Authorization header; null where it carries none. */
export function bearerToken({ headers }: FastifyRequest): string | null {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1] ?? null;
}

/** The origin that a page served under `host` has; null for a name that is not this server's. */
function ownOrigin(
  host: string | undefined,
  { localAddress, localPort }: Socket,
  { protocol, publicUrl }: Names,
): string | null {
  if (host === undefined) return null;
  if (publicUrl?.host === host) return publicUrl.origin;
  // An address names one machine, whoever resolves what: the one that the connection was made to is this one.
  const names = ["localhost", "127.0.0.1", "[::1]", ...(localAddress === undefined ? [] : [inUrl(localAddress)])];
  const defaultPort = protocol === "https" ? 443 : 80;
  const known = names.some((name) => host === `${name}:${localPort}` || (localPort === defaultPort && host === name));
  return known ? `${protocol}://${host}` : null;
}

/** As it stands in a URL: IPv6 in brackets, and IPv4 as itself also where it came through an IPv6 socket. */
function inUrl(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, "");
  return plain.includes(":") ? `[${plain}]` : plain;
}
