import type { FastifyInstance } from "fastify";
import type { WebSocket } from "ws";
import { MakimaError } from "../../core/errors.ts";
import type { Scope } from "../../protocol/routes.ts";
import type { Principal } from "../auth/keys.ts";
import { principalOf } from "./routes.ts";

export interface SocketRoute {
  path: string;
  scopes: readonly Scope[];
  open: (socket: WebSocket, principal: Principal) => void;
}

/** A WebSocket endpoint: the request for it has passed the guard like every other. */
export function registerSocket(app: FastifyInstance, { path, scopes, open }: SocketRoute): void {
  app.route({
    method: "GET",
    url: path,
    config: { scopes },
    handler: async () => {
      throw new MakimaError("invalid_request", `${path} speaks WebSocket`);
    },
    wsHandler: (socket, request) => open(socket, principalOf(request)),
  });
}
