import type { FastifyInstance } from "fastify";
import { MakimaError } from "../../core/errors.ts";
import type { Logger } from "../../platform/log.ts";
import { SUBSCRIBE_PATH } from "../../protocol/routes.ts";
import type { Activity } from "../activity.ts";
import type { Store } from "../db/store.ts";
import { principalOf } from "../http/routes.ts";
import { Viewer } from "./viewer.ts";

export interface ViewerServices {
  store: Store;
  activity: Activity;
  log: Logger;
}

/** The WebSocket for viewers. The returned owner closes all that are connected. */
export function registerSubscriptions(app: FastifyInstance, { store, activity, log }: ViewerServices): AsyncDisposable {
  const viewers = new Set<Viewer>();
  let closing = false;
  app.route({
    method: "GET",
    url: SUBSCRIBE_PATH,
    websocket: true,
    preHandler: async (request) => {
      if (principalOf(request).kind !== "daemon") return;
      throw new MakimaError("forbidden", "A daemon's key opens no subscriptions");
    },
    handler: (socket, request) => {
      if (closing) return socket.terminate();
      const viewer = new Viewer(socket, store, principalOf(request), log);
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
      await Promise.all([...viewers].map((viewer) => viewer.close()));
    },
  };
}
