/**
 * The one table of everything that can go wrong in a way a person or a client can act on.
 * `status` is the HTTP status, `exit` the CLI's exit code (0 done, 1 work failed, 2 usage, 3 not found, 4 not allowed,
 * 5 conflict, 6 unavailable, 7 timed out, 130 interrupted), `hint` what to do when the thrower knows nothing better.
 */
export const ERRORS = {
  internal: { status: 500, exit: 1, hint: "This is a defect in makima; the server log has the details." },
  usage: { status: 400, exit: 2, hint: "Run the command with --help for its options." },
  invalid_request: { status: 400, exit: 2, hint: "Compare the request with /api/openapi.json." },
  payload_too_large: { status: 413, exit: 2, hint: "Send less in one request." },
  config_invalid: { status: 500, exit: 2, hint: "Mend the file, or see `makima doctor --config`." },
  goal_invalid: {
    status: 400,
    exit: 2,
    hint: 'State the goal in words, for example: makima run "make the tests pass".',
  },
  repository_invalid: { status: 400, exit: 2, hint: "Run makima inside a git repository, or name one with --repo." },
  base_unknown: { status: 400, exit: 3, hint: "List what exists with `git branch --all` and `git tag`." },
  not_found: { status: 404, exit: 3, hint: "List what exists with `makima ps --all`." },
  ambiguous: { status: 409, exit: 2, hint: "Give more characters of the id." },
  unauthorized: { status: 401, exit: 4, hint: "Give a key with MAKIMA_API_KEY, or use the local server." },
  forbidden: { status: 403, exit: 4, hint: "The key, host or origin is not allowed to do this." },
  read_only: { status: 500, exit: 4, hint: "Make the directory writable, or choose another with MAKIMA_HOME." },
  method_not_allowed: { status: 405, exit: 2, hint: "Compare the request with /api/openapi.json." },
  conflict: { status: 409, exit: 5, hint: "Look at the present state and try again." },
  deliverables_missing: {
    status: 409,
    exit: 5,
    hint: "`makima contract checklist` lists what is missing; a person may advance with --force.",
  },
  merge_conflict: { status: 409, exit: 5, hint: "Resolve the conflict on the task's branch, and merge again." },
  version_conflict: { status: 412, exit: 5, hint: "It was changed meanwhile: read it again, and repeat the change." },
  gone: { status: 410, exit: 3, hint: "It was dropped by the retention rules; archived output is with the archive." },
  rate_limited: { status: 429, exit: 6, hint: "Wait as long as Retry-After says, and ask less often." },
  port_taken: { status: 409, exit: 5, hint: "Stop the other program, or choose a port with --port." },
  already_running: { status: 409, exit: 5, hint: "Use the running one, or stop it with `makima down`." },
  database_newer: { status: 500, exit: 6, hint: "Upgrade makima, or choose another directory with MAKIMA_HOME." },
  database_corrupt: { status: 500, exit: 6, hint: "Restore a backup of the file, or move it away to start afresh." },
  database_unavailable: {
    status: 503,
    exit: 6,
    hint: "The database does not answer; makima goes on by itself when it does.",
  },
  unavailable: { status: 503, exit: 6, hint: "Is the server running? See `makima doctor`." },
  agent_missing: {
    status: 503,
    exit: 6,
    hint: "Install the agent, or set [agents.<name>] command in the configuration.",
  },
  sandbox_unavailable: {
    status: 503,
    exit: 6,
    hint: "`makima doctor` says what is missing for the sandbox, and how to mend it.",
  },
  agent_not_logged_in: {
    status: 503,
    exit: 4,
    hint: "Log the agent in (run `claude` and then /login), or pass its API key.",
  },
  git_failed: { status: 500, exit: 1, hint: "Run the git command by hand to see what it wants." },
  timed_out: { status: 504, exit: 7, hint: "Give it more time with --timeout." },
  interrupted: { status: 499, exit: 130, hint: "The task can be resumed with `makima resume`." },
} as const satisfies Record<string, { status: number; exit: number; hint: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** What every surface shows of an error: a stable code, one line for people, and what to do. */
export interface ErrorBody {
  code: ErrorCode;
  message: string;
  hint: string;
}

/** An expected failure: it is shown as one line and a hint, never as a stack trace. Everything else thrown is our bug. */
export class MakimaError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "MakimaError";
    this.code = code;
    this.hint = options.hint ?? ERRORS[code].hint;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get exitCode(): number {
    return ERRORS[this.code].exit;
  }

  toBody(): ErrorBody {
    return { code: this.code, message: this.message, hint: this.hint };
  }
}

/** Turns any thrown value into the body that is shown; an unexpected one keeps its message out of sight of clients. */
export function errorBody(error: unknown): ErrorBody {
  if (error instanceof MakimaError) return error.toBody();
  return { code: "internal", message: "Something went wrong inside makima", hint: ERRORS.internal.hint };
}
