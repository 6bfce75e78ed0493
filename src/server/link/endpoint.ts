import type { FastifyInstance } from "fastify";
import { MakimaError } from "../../core/errors.ts";
import { LINK_PATH } from "../../protocol/routes.ts";
import { principalOf } from "../http/routes.ts";
import { DaemonLink } from "./daemon-link.ts";
import type { LinkServices } from "./daemon-link.ts";

/** The WebSocket for daemons. */
export function registerLink(app: FastifyInstance, services: LinkServices): void {
  app.route({
    method: "GET",
    url: LINK_PATH,
    websocket: true,
    preHandler: async (request) => {
      if (principalOf(request).kind === "daemon") return;
      throw new MakimaError("forbidden", "Only a daemon's key opens a daemon's link");
    },
    handler: (socket) => void new DaemonLink(socket, services),
  });
}
