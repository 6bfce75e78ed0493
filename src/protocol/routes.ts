/**
 * The API as plain data: server handlers, the client's types and the docs derive from this table and from the schemas
 * beside it in api.ts. It loads without zod, because the command line's start time pays for what it imports.
 */
export const ROUTES = {
  health: { method: "GET", path: "/healthz", auth: false },
  ready: { method: "GET", path: "/readyz", auth: false },
  serverInfo: { method: "GET", path: "/api/v1/server", auth: true },
  shutdown: { method: "POST", path: "/api/v1/server/shutdown", auth: true },
  createContract: { method: "POST", path: "/api/v1/contracts", auth: true },
  listContracts: { method: "GET", path: "/api/v1/contracts", auth: true },
  getContract: { method: "GET", path: "/api/v1/contracts/:id", auth: true },
  listTasks: { method: "GET", path: "/api/v1/tasks", auth: true },
  getTask: { method: "GET", path: "/api/v1/tasks/:id", auth: true },
  stopTask: { method: "POST", path: "/api/v1/tasks/:id/stop", auth: true },
  resumeTask: { method: "POST", path: "/api/v1/tasks/:id/resume", auth: true },
  listStreams: { method: "GET", path: "/api/v1/runs/:id/streams", auth: true },
  listDaemons: { method: "GET", path: "/api/v1/daemons", auth: true },
} as const satisfies Record<string, Route>;

export interface Route {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  auth: boolean;
}

export type RouteName = keyof typeof ROUTES;

/** WebSocket endpoints; both need a token on the upgrade request. */
export const SUBSCRIBE_PATH = "/api/v1/subscribe";
export const LINK_PATH = "/api/v1/link";

/** Largest JSON body of a request: a goal may hold a whole specification, and no more (bytes). */
export const MAX_BODY = 2 * 1024 * 1024;

/** Longest goal in characters. */
export const MAX_GOAL = 1_000_000;

/** Fills the `:name` parts of a route's path. */
export function routePath(route: Route, params: Record<string, string>): string {
  return route.path.replace(/:([a-z]+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
}
