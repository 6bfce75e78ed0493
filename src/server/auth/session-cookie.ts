import { SESSION_LIVES } from "./logins.ts";
import { USER_TOKEN } from "./tokens.ts";

/**
 * The token of the session that a Cookie header carries; null for none. Of a page of this machine that shares the host
 * name, on another port, the cookie could be anything: only a person's key is taken from it.
 */
export function sessionToken(header: string | undefined, origin: string): string | null {
  const prefix = `${nameFor(origin)}=`;
  const pairs = (header ?? "").split(";").map((pair) => pair.trim());
  const value = pairs.find((pair) => pair.startsWith(prefix))?.slice(prefix.length);
  return value?.startsWith(USER_TOKEN) === true ? value : null;
}

/** A Set-Cookie header that keeps the token of a session; null: that forgets it. No script of a page can read it. */
export function sessionCookie(token: string | null, origin: string): string {
  const secure = isSecure(origin) ? ["Secure"] : [];
  const age = token === null ? 0 : SESSION_LIVES;
  const attributes = ["Path=/", `Max-Age=${age}`, "HttpOnly", "SameSite=Strict", ...secure];
  return [`${nameFor(origin)}=${token ?? ""}`, ...attributes].join("; ");
}

/** The prefix has browsers refuse the cookie from everybody else, such as a subdomain. */
function nameFor(origin: string): string {
  return isSecure(origin) ? "__Host-makima" : "makima";
}

function isSecure(origin: string): boolean {
  return origin.startsWith("https:");
}
