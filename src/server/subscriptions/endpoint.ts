import type { FastifyInstance } from "fastify";
import { SUBSCRIBE_PATH, SUBSCRIBE_SCOPES } from "../../protocol/routes.ts";
import { registerSocket } from "../http/sockets.ts";
import { Responses } from "./responses.ts";
import type { ViewerServices } from "./responses.ts";
import { Viewer } from "./viewer.ts";

declare module "fastify" {
  interface FastifyInstance {
    /** Responses that go on for as long as what they hold. */
    responses: Responses;
  }
}

/** The WebSocket for viewers, and responses that viewers follow. The returned owner ends all that are open. */
export function registerSubscriptions(app: FastifyInstance, services: ViewerServices): AsyncDisposable {
  const { store, activity, log } = services;
  const responses = new Responses(services);
  app.decorate("responses", responses);
  const viewers = new Set<Viewer>();
  let closing = false;
  registerSocket(app, {
    path: SUBSCRIBE_PATH,
    scopes: SUBSCRIBE_SCOPES,
    open: (socket, principal) => {
      if (closing) return socket.terminate();
      const viewer = new Viewer(socket, store, principal, log);
      viewers.add(viewer);
      activity.viewerOpened();
      socket.on("close", () => {
        viewers.delete(viewer);
        activity.viewerClosed();
      });
    },
  });
  return {
    [Symbol.asyncDispose]: async () => {
      closing = true;
      await Promise.all([responses[Symbol.asyncDispose](), ...[...viewers].map((viewer) => viewer.close())]);
    },
  };
}
