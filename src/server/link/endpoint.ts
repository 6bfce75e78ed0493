import type { FastifyInstance } from "fastify";
import { LINK_PATH, LINK_SCOPES } from "../../protocol/routes.ts";
import { registerSocket } from "../http/sockets.ts";
import { DaemonLink } from "./daemon-link.ts";
import type { LinkServices } from "./daemon-link.ts";

/** The WebSocket for daemons. */
export function registerLink(app: FastifyInstance, services: LinkServices): void {
  registerSocket(app, {
    path: LINK_PATH,
    scopes: LINK_SCOPES,
    open: (socket, { keyId }) => void new DaemonLink(socket, keyId, services),
  });
}
