import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { MakimaError } from "../../core/errors.ts";
import { LOGIN_PATH } from "../../protocol/routes.ts";
import { endSession } from "../auth/keys.ts";
import { redeemLogin } from "../auth/logins.ts";
import { sessionCookie } from "../auth/session-cookie.ts";
import type { Store } from "../db/store.ts";
import { HOME_PAGE, LOGIN_PAGE, PAGE_SCRIPT } from "./page-texts.ts";
import type { CountFailure } from "./rate-limits.ts";
import { principalOf } from "./routes.ts";

export interface PageServices {
  store: Store;
  countFailure: CountFailure;
}

/** What browsers are shown, and how a person logs in and out with one. Without a session, `home` leads to `login`. */
export const PAGES = {
  login: { method: "GET", path: LOGIN_PATH, scopes: null },
  script: { method: "GET", path: "/page.js", scopes: null },
  logIn: { method: "POST", path: LOGIN_PATH, scopes: null },
  logOut: { method: "POST", path: "/logout", scopes: ["user"] },
  home: { method: "GET", path: "/", scopes: ["user"], loginFirst: true },
} as const;

export function registerPages(app: FastifyInstance, { store, countFailure }: PageServices): void {
  for (const [page, { type, text }] of Object.entries(SHOWN)) {
    const { method, path: url, ...config } = PAGES[page as keyof typeof SHOWN];
    app.route({ method, url, config, handler: async (_, reply) => reply.type(type).send(text) });
  }
  const logIn = { bodyLimit: MAX_LOGIN_BODY, config: { scopes: PAGES.logIn.scopes } };
  app.post(PAGES.logIn.path, logIn, async (request, reply) => {
    const { success, data } = LoginRequest.safeParse(request.body);
    if (!success) throw new MakimaError("invalid_request", "The request must hold a code, and nothing else");
    const token = await store.write((tx) => redeemLogin(tx, data.code));
    if (token === null) {
      await countFailure(request, reply);
      throw new MakimaError("unauthorized", "The link was used already, or is too old", { hint: NEW_LINK });
    }
    reply.header("set-cookie", sessionCookie(token, request.ownOrigin));
    return { ok: true };
  });
  app.post(PAGES.logOut.path, { config: { scopes: PAGES.logOut.scopes } }, async (request, reply) => {
    await store.write((tx) => endSession(tx, principalOf(request).keyId));
    reply.header("set-cookie", sessionCookie(null, request.ownOrigin));
    return { ok: true };
  });
}

/** Anybody may send one, so that all that are sent at the same time must weigh little (bytes). */
const MAX_LOGIN_BODY = 1024;

const LoginRequest = z.strictObject({ code: z.string().max(200) });

const NEW_LINK = "Run `makima open` for another one.";

const SHOWN = {
  login: { type: "text/html; charset=utf-8", text: LOGIN_PAGE },
  home: { type: "text/html; charset=utf-8", text: HOME_PAGE },
  script: { type: "text/javascript; charset=utf-8", text: PAGE_SCRIPT },
} as const;
