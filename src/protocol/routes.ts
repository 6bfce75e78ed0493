/**
 * Who may use a route: a person's key, a daemon's, or the one that a task's agent gets (for its own contract only). A
 * supervisor's agent may do what any task's may, and drive its contract.
 */
export type Scope = "user" | "daemon" | "task" | "supervisor";

const ANYBODY = ["user", "daemon", "task", "supervisor"] as const;
const USER = ["user"] as const;
const USER_AND_SUPERVISOR = ["user", "supervisor"] as const;
const USER_AND_TASK = ["user", "task", "supervisor"] as const;

/**
 * The API as plain data: server handlers, the client's types, scopes, the OpenAPI document and the docs derive from this
 * table and from the schemas beside it in api.ts. It loads without zod, because the command line's start time pays for
 * what it imports.
 */
export const ROUTES = {
  health: { method: "GET", path: "/healthz", scopes: null },
  ready: { method: "GET", path: "/readyz", scopes: ANYBODY },
  metrics: { method: "GET", path: "/metrics", scopes: USER, type: "text/plain" },
  openapi: { method: "GET", path: "/api/openapi.json", scopes: ANYBODY },
  serverInfo: { method: "GET", path: "/api/v1/server", scopes: USER_AND_TASK },
  whoAmI: { method: "GET", path: "/api/v1/me", scopes: ANYBODY },
  shutdown: { method: "POST", path: "/api/v1/server/shutdown", scopes: USER },

  createContract: { method: "POST", path: "/api/v1/contracts", scopes: USER },
  openContract: { method: "POST", path: "/api/v1/contracts/empty", scopes: USER },
  listContracts: { method: "GET", path: "/api/v1/contracts", scopes: USER_AND_TASK },
  getContract: { method: "GET", path: "/api/v1/contracts/:id", scopes: USER_AND_TASK },
  contractStatus: { method: "GET", path: "/api/v1/contracts/:id/status", scopes: USER_AND_TASK },
  updateContract: { method: "PATCH", path: "/api/v1/contracts/:id", scopes: USER },
  changeGoals: { method: "POST", path: "/api/v1/contracts/:id/goals", scopes: USER_AND_TASK },
  advancePhase: { method: "POST", path: "/api/v1/contracts/:id/advance", scopes: USER_AND_SUPERVISOR },
  setCompletionAction: {
    method: "POST",
    path: "/api/v1/contracts/:id/completion-action",
    scopes: USER_AND_SUPERVISOR,
  },
  pauseContract: { method: "POST", path: "/api/v1/contracts/:id/pause", scopes: USER },
  resumeContract: { method: "POST", path: "/api/v1/contracts/:id/resume", scopes: USER },
  completeContract: { method: "POST", path: "/api/v1/contracts/:id/complete", scopes: USER_AND_SUPERVISOR },
  deleteContract: { method: "DELETE", path: "/api/v1/contracts/:id", scopes: USER },

  listFiles: { method: "GET", path: "/api/v1/contracts/:id/files", scopes: USER_AND_TASK },
  createFile: { method: "POST", path: "/api/v1/contracts/:id/files", scopes: USER_AND_TASK },
  getFile: { method: "GET", path: "/api/v1/contracts/:id/files/:name", scopes: USER_AND_TASK },
  updateFile: { method: "PATCH", path: "/api/v1/contracts/:id/files/:name", scopes: USER_AND_TASK },
  listReports: { method: "GET", path: "/api/v1/contracts/:id/reports", scopes: USER_AND_TASK },
  createReport: { method: "POST", path: "/api/v1/contracts/:id/reports", scopes: USER_AND_TASK },

  createTask: { method: "POST", path: "/api/v1/contracts/:id/tasks", scopes: USER_AND_SUPERVISOR },
  listTasks: { method: "GET", path: "/api/v1/tasks", scopes: USER_AND_TASK },
  getTask: { method: "GET", path: "/api/v1/tasks/:id", scopes: USER_AND_TASK },
  updateTask: { method: "PATCH", path: "/api/v1/tasks/:id", scopes: USER },
  stopTask: { method: "POST", path: "/api/v1/tasks/:id/stop", scopes: USER_AND_SUPERVISOR },
  pauseTask: { method: "POST", path: "/api/v1/tasks/:id/pause", scopes: USER_AND_SUPERVISOR },
  resumeTask: { method: "POST", path: "/api/v1/tasks/:id/resume", scopes: USER_AND_SUPERVISOR },
  messageTask: { method: "POST", path: "/api/v1/tasks/:id/messages", scopes: USER_AND_SUPERVISOR },
  listCheckpoints: { method: "GET", path: "/api/v1/tasks/:id/checkpoints", scopes: USER_AND_TASK },
  listRuns: { method: "GET", path: "/api/v1/tasks/:id/runs", scopes: USER_AND_TASK },

  listStreams: { method: "GET", path: "/api/v1/runs/:id/streams", scopes: USER_AND_TASK },
  readStream: {
    method: "GET",
    path: "/api/v1/runs/:id/output",
    scopes: USER_AND_TASK,
    type: "application/octet-stream",
  },
  listChanges: { method: "GET", path: "/api/v1/changes", scopes: USER_AND_TASK },

  startOperation: { method: "POST", path: "/api/v1/operations", scopes: USER_AND_TASK },
  listOperations: { method: "GET", path: "/api/v1/operations", scopes: USER_AND_TASK },
  getOperation: { method: "GET", path: "/api/v1/operations/:id", scopes: USER_AND_TASK },

  listDaemons: { method: "GET", path: "/api/v1/daemons", scopes: USER },
  removeDaemon: { method: "DELETE", path: "/api/v1/daemons/:id", scopes: USER },

  createKey: { method: "POST", path: "/api/v1/keys", scopes: USER },
  listKeys: { method: "GET", path: "/api/v1/keys", scopes: USER },
  createLogin: { method: "POST", path: "/api/v1/logins", scopes: USER },
  revokeKey: { method: "DELETE", path: "/api/v1/keys/:id", scopes: USER },

  askQuestion: { method: "POST", path: "/api/v1/tasks/:id/questions", scopes: USER_AND_TASK },
  listQuestions: { method: "GET", path: "/api/v1/questions", scopes: USER_AND_TASK },
  getQuestion: { method: "GET", path: "/api/v1/questions/:id", scopes: USER_AND_TASK },
  answerQuestion: { method: "POST", path: "/api/v1/questions/:id/answer", scopes: USER },
  withdrawQuestion: { method: "POST", path: "/api/v1/questions/:id/withdraw", scopes: USER_AND_TASK },

  listNotifications: { method: "GET", path: "/api/v1/notifications", scopes: USER },
  readNotification: { method: "POST", path: "/api/v1/notifications/:id/read", scopes: USER },
  dismissNotification: { method: "POST", path: "/api/v1/notifications/:id/dismiss", scopes: USER },
  markNotifications: { method: "POST", path: "/api/v1/notifications/mark", scopes: USER },
  listDeliveries: { method: "GET", path: "/api/v1/notifications/:id/deliveries", scopes: USER },
} as const satisfies Record<string, Route>;

export interface Route {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  /** null: open to anybody, without a key. */
  scopes: readonly Scope[] | null;
  /** Content type of a reply that is not JSON. */
  type?: string;
}

export type RouteName = keyof typeof ROUTES;

/** WebSocket endpoints; both need a key on the upgrade request, of one of these scopes. */
export const SUBSCRIBE_PATH = "/api/v1/subscribe";
export const SUBSCRIBE_SCOPES: readonly Scope[] = USER_AND_TASK;
export const LINK_PATH = "/api/v1/link";
export const LINK_SCOPES: readonly Scope[] = ["daemon"];

/** The page that a login link leads to, and where it posts the link's code. */
export const LOGIN_PATH = "/login";

/** The link that logs a browser in. The code is a fragment: browsers send that to nobody, and no log has it. */
export function loginLink(origin: string, code: string): string {
  return `${new URL(LOGIN_PATH, origin).href}#${code}`;
}

/** Largest JSON body of a request: a goal may hold a whole specification, and no more (bytes). */
export const MAX_BODY = 2 * 1024 * 1024;

/** Longest goal in characters. */
export const MAX_GOAL = 1_000_000;

/** Fills the `:name` parts of a route's path. */
export function routePath(route: Route, params: Record<string, string>): string {
  return route.path.replace(/:([a-z]+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
}
