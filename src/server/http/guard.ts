import type { FastifyRequest } from "fastify";
import type { Socket } from "node:net";
import { MakimaError } from "../../core/errors.ts";
import { sessionToken } from "../auth/session-cookie.ts";

/** How this server may be called, besides by the address and port that a connection was made to. */
export interface Names {
  protocol: "http" | "https";
  publicUrl: URL | null;
}

/**
 * Refuses what a foreign web page could send: first by Host (DNS rebinding), then by Origin. Gives the server's origin as
 * the request names it. Throws `forbidden`. Requests of programs carry no Origin.
 */
export function requireOwnAddress({ headers, socket }: FastifyRequest, names: Names): string {
  const { host, origin } = headers;
  const own = ownOrigin(host?.toLowerCase(), socket, names);
  if (own === null) throw new MakimaError("forbidden", `This server is not known as ${host ?? "nothing"}`);
  if (origin !== undefined && origin !== own) {
    throw new MakimaError("forbidden", `Requests from ${origin} are not allowed`);
  }
  return own;
}

/**
 * The token of a request; null where it carries none. A browser sends its cookie whichever page it shows, so with a
 * cookie whatever changes something, and each WebSocket, must say that it comes from a page of this server, whose address
 * is `own`. Throws `forbidden`.
 */
export function tokenOf({ headers, method }: FastifyRequest, own: string): string | null {
  const { authorization, origin, upgrade } = headers;
  if (authorization !== undefined) return /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? null;
  const token = sessionToken(headers.cookie, own);
  const onlyReads = (method === "GET" || method === "HEAD") && upgrade === undefined;
  if (token === null || onlyReads || origin === own) return token;
  throw new MakimaError("forbidden", "A request that is made with a cookie must carry its Origin");
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
