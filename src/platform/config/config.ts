import { hostname } from "node:os";
import type { LogFormat, LogLevel } from "../log-levels.ts";
import { HOUR, MINUTE, SECOND } from "./units.ts";

/** Effective values: every key has one. Times in milliseconds, money in US dollars, paths absolute; null is "not set". */
export interface Config {
  server: {
    host: string;
    port: number;
    publicUrl: string | null;
    tlsCert: string | null;
    tlsKey: string | null;
    behindProxy: boolean;
    /** Requests per minute and key. */
    rateLimit: number;
  };
  database: { url: string | null };
  daemon: {
    server: string | null;
    apiKeyFile: string | null;
    name: string;
    maxTasks: number;
    labels: Record<string, string>;
    lostAfterMs: number;
    repositories: string[] | null;
  };
  worktrees: {
    dir: string | null;
    /** Bytes that all checkouts together should not pass; null: no limit. */
    quotaBytes: number | null;
    /** How long (ms) a checkout that no task of the server needs is left alone. */
    orphanGraceMs: number;
  };
  process: { passEnv: string[]; bubblewrap: BubblewrapConfig };
  loop: LoopConfig;
  agents: Record<string, AgentConfig>;
  notifications: NotificationsConfig;
  /** null: no limit, no archive. `archive` is program and arguments. */
  retention: { maxAgeMs: number | null; maxSizeBytes: number | null; archive: string[] | null };
  log: { level: LogLevel; format: LogFormat };
}

/** The sandbox of agents and checks. Paths are absolute, of the daemon's machine, and need not exist. */
export interface BubblewrapConfig {
  enabled: boolean;
  /** Further paths that may be written. */
  writable: string[];
  /** Paths that can be read although what they lie in is hidden. */
  readonly: string[];
  /** Further paths that cannot be seen. */
  hidden: string[];
  /** Size of each of the sandbox's own /tmp and /dev/shm. */
  tmpSizeBytes: number;
  network: "host" | "none";
  /** Arguments for bwrap, after makima's own. */
  extraArgs: string[];
}

export interface NotificationsConfig {
  /** Kinds that are made; null: every one. */
  kinds: string[] | null;
  desktop: boolean;
  webhooks: WebhookConfig[];
}

export interface WebhookConfig {
  url: string;
  secretFile: string;
  /** Kinds that are posted; absent: every one. */
  kinds?: string[] | undefined;
  /** Whether its host may have a private or link-local address. */
  allowPrivate?: boolean | undefined;
}

export interface LoopConfig {
  maxIterations: number;
  noChangeThreshold: number;
  sameErrorThreshold: number;
  permissionDenialThreshold: number;
  sameToolThreshold: number;
  budgetUsd: number | null;
  wallClockMs: number | null;
  idleTimeoutMs: number;
  iterationTimeoutMs: number;
  checkTimeoutMs: number;
  retryBackoffMs: number;
  waitForUsageLimit: boolean;
  maxWaitMs: number;
  baseline: boolean;
  onTampering: "flag" | "refuse";
}

export interface AgentConfig {
  /** `claude` speaks Claude Code's stream-json; `command` is any program: prompt on stdin, text on stdout. */
  kind: "claude" | "command";
  /** Program and leading arguments. */
  command: string[];
  /** Arguments appended to makima's own. */
  args: string[];
  env: Record<string, string>;
  /** Names of variables taken from the daemon's own environment. */
  passEnv: string[];
  model: string | null;
  permissionMode: string;
  settingSources: string;
  mcp: boolean;
  /** Whether the agent's key reaches it by a file that is read once, and not by its environment. */
  apiKeyHelper: boolean;
}

/** A new copy of the values that hold when nothing is configured. */
export function defaultConfig(): Config {
  return {
    server: {
      host: "127.0.0.1",
      port: 7420,
      publicUrl: null,
      tlsCert: null,
      tlsKey: null,
      behindProxy: false,
      rateLimit: 6_000,
    },
    database: { url: null },
    daemon: {
      server: null,
      apiKeyFile: null,
      name: hostname(),
      maxTasks: 4,
      labels: {},
      lostAfterMs: 15 * MINUTE,
      repositories: null,
    },
    worktrees: { dir: null, quotaBytes: 20e9, orphanGraceMs: 24 * HOUR },
    process: {
      passEnv: [...PASSED_TO_CHECKS],
      bubblewrap: {
        enabled: false,
        writable: [],
        readonly: [],
        hidden: [],
        tmpSizeBytes: 2e9,
        network: "host",
        extraArgs: [],
      },
    },
    loop: {
      maxIterations: 10,
      noChangeThreshold: 3,
      sameErrorThreshold: 5,
      permissionDenialThreshold: 2,
      sameToolThreshold: 5,
      budgetUsd: null,
      wallClockMs: null,
      idleTimeoutMs: 15 * MINUTE,
      iterationTimeoutMs: 2 * HOUR,
      checkTimeoutMs: 10 * MINUTE,
      retryBackoffMs: 1 * SECOND,
      waitForUsageLimit: true,
      maxWaitMs: 6 * HOUR,
      baseline: true,
      onTampering: "flag",
    },
    agents: { claude: defaultAgent("claude") },
    notifications: { kinds: null, desktop: false, webhooks: [] },
    retention: { maxAgeMs: null, maxSizeBytes: null, archive: null },
    log: { level: "info", format: "pretty" },
  };
}

/** What an agent of a kind has when its section says nothing; a `command` agent's section must name the command. */
export function defaultAgent(kind: AgentConfig["kind"]): AgentConfig {
  return {
    kind,
    command: kind === "claude" ? ["claude"] : [],
    args: [],
    env: {},
    passEnv: kind === "claude" ? [...PASSED_TO_CLAUDE] : [],
    model: null,
    permissionMode: "bypassPermissions",
    settingSources: "user",
    mcp: false,
    apiKeyHelper: false,
  };
}

/** What a company's network is left by. */
const WAY_OUT = [
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
];

/** No secrets, but what builds and package managers fail without: locale, user, temporary directory, proxy, certificates. */
const PASSED_TO_CHECKS = ["LC_ALL", "LC_CTYPE", "TZ", "USER", "LOGNAME", "SHELL", "TMPDIR", ...WAY_OUT];

/**
 * Claude Code's own login, endpoint with the way there, and model choice. Cloud credentials (`AWS_SECRET_ACCESS_KEY` and the like) open far
 * more than a model, so whoever uses Bedrock or Vertex with them names them.
 */
const PASSED_TO_CLAUDE = [
  ...WAY_OUT,
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_AUTH_TOKEN",
  "ANTHROPIC_BASE_URL",
  "ANTHROPIC_CUSTOM_HEADERS",
  "ANTHROPIC_MODEL",
  "ANTHROPIC_SMALL_FAST_MODEL",
  "ANTHROPIC_DEFAULT_OPUS_MODEL",
  "ANTHROPIC_DEFAULT_SONNET_MODEL",
  "ANTHROPIC_DEFAULT_HAIKU_MODEL",
  "ANTHROPIC_VERTEX_PROJECT_ID",
  "AWS_BEARER_TOKEN_BEDROCK",
  "AWS_PROFILE",
  "AWS_REGION",
  "CLAUDE_CODE_OAUTH_TOKEN",
  "CLAUDE_CODE_USE_BEDROCK",
  "CLAUDE_CODE_USE_VERTEX",
  "CLAUDE_CODE_MAX_OUTPUT_TOKENS",
  "CLAUDE_CONFIG_DIR",
  "CLOUD_ML_REGION",
  "MAX_THINKING_TOKENS",
  "DISABLE_AUTOUPDATER",
  "DISABLE_TELEMETRY",
  "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
];
