import { z } from "zod";
import { NOTIFICATION_KINDS } from "../../core/notification-kinds.ts";
import { LOG_LEVELS } from "../log-levels.ts";
import { parseDuration, parseSize } from "./units.ts";

declare module "zod" {
  interface GlobalMeta {
    /** What a value is measured in, or the form it has. */
    unit?: string;
  }
}

/** In the place of a size: there is no limit. Where a default holds, an absent key cannot say that. */
export const NO_LIMIT = "none";
/** Units whose values come out as a number of bytes. */
const SIZE = "size";
export const SIZE_OR_NONE = `size, or "${NO_LIMIT}"`;

const text = () => z.string("expected a text in quotes").min(1, "must not be empty");
const flag = () => z.boolean("expected true or false");
const list = () => z.array(text(), "expected a list of texts");
const whole = (least: number, most: number) =>
  z.int("expected a whole number").min(least, `must be at least ${least}`).max(most, `must be at most ${most}`);
const oneOf = <const T extends readonly string[]>(values: T) => z.enum(values, `expected one of ${values.join(", ")}`);
const url = (protocol: RegExp, example: string) => z.url({ protocol, error: `expected a URL such as ${example}` });

/** A text such as "15m" in the file; milliseconds, at least `least`, once read. */
export function duration({ least = 1 }: { least?: number } = {}) {
  const message = `expected a duration such as "90s", "15m" or "1h30m"${least > 0 ? ", not zero" : ""}`;
  return z.string(message).transform((value, context) => {
    const ms = parseDuration(value);
    if (ms !== null && ms >= least) return ms;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });
}

/** A text such as "20GB" in the file; bytes once read. */
function size() {
  const message = 'expected a size such as "500MB" or "20GB"';
  return z.string(message).transform((value, context) => {
    const bytes = parseSize(value);
    if (bytes !== null) return bytes;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });
}

/** `size`, or "none": null once read. */
function limit() {
  const none = z.literal(NO_LIMIT).transform(() => null);
  return z.union([none, size()], `expected a size such as "500MB" or "20GB", or "${NO_LIMIT}"`);
}

/** Every key may be absent (the default holds) and says what it is for and what it is measured in. */
function key<T extends z.ZodType>(unit: string, schema: T, description: string) {
  return schema.optional().meta({ unit, description });
}

const Server = z.strictObject({
  host: key("address", text(), "Address that the server listens on."),
  port: key("port number", whole(0, 65_535), "TCP port that the server listens on; 0 takes any free one."),
  publicUrl: key(
    "URL",
    url(/^https?$/, "https://makima.example.com"),
    "Address under which people reach the server, where it differs from host and port; its host is then allowed too.",
  ),
  tlsCert: key("path", text(), "Certificate (PEM, with its chain) for HTTPS; needs `tlsKey`."),
  tlsKey: key("path", text(), "Private key (PEM) of the certificate."),
  behindProxy: key(
    "true or false",
    flag(),
    "A proxy in front of the server speaks TLS: it may listen without on an address that is not loopback.",
  ),
  rateLimit: key("requests per minute", whole(1, 1_000_000), "Requests that one key may make."),
});

const Database = z.strictObject({
  url: key(
    "URL",
    url(/^postgres(ql)?$/, "postgres://makima@db.example.com/makima"),
    "PostgreSQL database of the server; several servers may share it. Absent: SQLite under the data directory.",
  ),
});

const LabelName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/, "a label's name is letters, digits and ._/-");
const LabelValue = z
  .string("expected a text in quotes")
  .regex(/^[A-Za-z0-9._:@/-]{1,200}$/, "has characters that no label may have");

const Daemon = z.strictObject({
  server: key(
    "URL",
    url(/^https?$/, "https://makima.example.com"),
    "Server that `makima daemon` works for and that the everyday commands talk to. Absent: the local one.",
  ),
  apiKeyFile: key("path", text(), "File that holds the key for that server. Absent: the local server's key file."),
  name: key("text", text(), "Name under which the server lists this daemon. Absent: the host's name."),
  maxTasks: key("tasks", whole(1, 10_000), "Tasks that run at the same time; more wait."),
  labels: key(
    "table of texts",
    z.record(LabelName, LabelValue, "expected a table of texts"),
    'What this daemon offers to tasks that ask for it, such as { gpu = "yes" }.',
  ),
  lostAfter: key(
    "duration",
    duration(),
    "Time offline after which the server takes a daemon for lost and gives its tasks to others.",
  ),
  repositories: key(
    "list of globs",
    list(),
    'Repositories that the daemon may work in, such as "~/src/*". Absent: every one that its user can read.',
  ),
});

const Worktrees = z.strictObject({
  dir: key(
    "path",
    text(),
    "Directory for the tasks' checkouts, in which each daemon makes one of its own. Absent: `worktrees` under the data directory.",
  ),
  quota: key(
    SIZE_OR_NONE,
    limit(),
    "Size that all checkouts together should not pass; above it people are warned. Nothing is removed because of it.",
  ),
  orphanGrace: key(
    "duration",
    duration(),
    "Time for which a checkout that no task needs is left alone, before it is removed and what is in no branch salvaged.",
  ),
});

const Bubblewrap = z.strictObject({
  enabled: key(
    "true or false",
    flag(),
    "Run agents and checks in a sandbox; where it cannot be had, tasks fail. A task may ask for it where this is false.",
  ),
  writable: key(
    "list of paths",
    list(),
    "Paths that may be written, besides the checkout, the caches and the agent's state.",
  ),
  readonly: key("list of paths", list(), "Paths that can be read although what they lie in is hidden."),
  hidden: key("list of paths", list(), "Paths that cannot be seen, besides keys, logins and what is makima's own."),
  tmpSize: key(SIZE, size(), "Size of each of the sandbox's own /tmp, /var/tmp, /dev/shm and /run."),
  network: key(
    '"host" or "none"',
    oneOf(["host", "none"]),
    'The host\'s network, or none at all; with "none" an agent reaches neither its model nor the server.',
  ),
  extraArgs: key(
    "list of arguments",
    list(),
    "Arguments for bwrap, put after makima's own: they can undo what those protect.",
  ),
});

const PROCESS_KEYS = {
  passEnv: key(
    "list of variable names",
    list(),
    "Environment variables passed on to checks, besides PATH, HOME, LANG and TERM.",
  ),
};

const Process = z.strictObject({
  ...PROCESS_KEYS,
  bubblewrap: Bubblewrap.optional().meta({ description: "The sandbox of agents and checks: bubblewrap, on Linux." }),
});

const Loop = z.strictObject({
  maxIterations: key("iterations", whole(1, 10_000), "Iterations after which a run is stopped."),
  noChangeThreshold: key("iterations", whole(1, 10_000), "Iterations in a row without a file change that stop a run."),
  sameErrorThreshold: key("iterations", whole(1, 10_000), "Times in a row that the same error may end an iteration."),
  permissionDenialThreshold: key("denials", whole(1, 10_000), "Permission denials that stop a run."),
  sameToolThreshold: key(
    "calls",
    whole(1, 10_000),
    "Times that an agent may repeat one tool call with the same input and without a change.",
  ),
  budgetUsd: key(
    "US dollars",
    z.number("expected a number").positive("must be more than 0"),
    "Cost at which a run is stopped. Absent: no limit.",
  ),
  wallClock: key("duration", duration(), "Time after which a run is stopped. Absent: no limit."),
  idleTimeout: key("duration", duration(), "Silence after which an agent is taken for hung and stopped."),
  iterationTimeout: key("duration", duration(), "Time that one iteration may take."),
  checkTimeout: key("duration", duration(), "Time that one check may take."),
  retryBackoff: key(
    "duration",
    duration({ least: 0 }),
    "Pause after an agent's error; it doubles with each error in a row, up to 1m.",
  ),
  waitForUsageLimit: key("true or false", flag(), "Wait until a usage limit is lifted, instead of failing."),
  maxWait: key("duration", duration(), "Longest wait for a usage limit; a longer one fails the task."),
  baseline: key("true or false", flag(), "Run the checks once before the first iteration, to see which fail already."),
  onTampering: key(
    '"flag" or "refuse"',
    oneOf(["flag", "refuse"]),
    "What a weakened test does to a ready gate: show it to the person, or refuse the gate.",
  ),
});

const Agent = z.strictObject({
  kind: key(
    '"claude" or "command"',
    oneOf(["claude", "command"]),
    'How makima talks to it: "claude" is Claude Code; "command" any program that reads the prompt on stdin and prints text.',
  ),
  command: key(
    "program, or list of program and arguments",
    z
      .union(
        [text().transform((program) => [program]), list().min(1)],
        "expected a program, or a list with its arguments",
      )
      .describe("program"),
    "The agent's program, found in PATH unless it is a path. Every agent but `claude` needs one.",
  ),
  args: key("list of arguments", list(), "Arguments put after makima's own."),
  env: key(
    "table of variables",
    z.record(z.string(), z.string("expected a text in quotes"), "expected a table of texts"),
    "Environment variables with the values given here.",
  ),
  passEnv: key(
    "list of variable names",
    list(),
    "Environment variables passed on to this agent, besides PATH, HOME, LANG and TERM: its login, its endpoint and the way there.",
  ),
  model: key("model name", text(), "Model to ask for (kind claude). Absent: the agent's own choice."),
  permissionMode: key("text", text(), "Claude Code's --permission-mode (kind claude)."),
  settingSources: key(
    "comma-separated text",
    text(),
    "Claude Code's --setting-sources (kind claude); `project` would run hooks that are written in the checkout.",
  ),
  mcp: key(
    "true or false",
    flag(),
    "Offer it makima's commands as tools of an MCP server (`makima mcp`), beside its own servers (kind claude).",
  ),
  apiKeyHelper: key(
    "true or false",
    flag(),
    "Hand it ANTHROPIC_API_KEY by a helper that is asked once, so that its tools do not find the key in their environment (kind claude).",
  ),
});

const KINDS = oneOf(NOTIFICATION_KINDS);

const Webhook = z.strictObject(
  {
    url: url(/^https?$/, "https://hooks.example.com/makima"),
    secretFile: text(),
    kinds: z.array(KINDS, "expected a list of kinds").optional(),
    allowPrivate: flag().optional(),
  },
  "expected a table with url and secretFile",
);

const Notifications = z.strictObject({
  kinds: key(
    "list of kinds",
    z.array(KINDS, "expected a list of kinds"),
    "Kinds that are made at all. Absent: every one.",
  ),
  desktop: key("true or false", flag(), "Show notifications on the desktop of the machine that the server runs on."),
  webhooks: key(
    "list of tables",
    z.array(Webhook, "expected a list of tables"),
    "Where notifications are posted to: `url`, `secretFile` (signs what is posted), and optionally `kinds`, and `allowPrivate = true` for an address of the own network.",
  ),
});

const Retention = z.strictObject({
  maxAge: key(
    "duration",
    duration(),
    "Age after which output of ended runs, changes, done commands and deliveries are dropped. Absent: never.",
  ),
  maxSize: key(
    "size",
    size(),
    "Size of all output kept, such as 10GB; above it the oldest of ended runs is dropped. Absent: no limit.",
  ),
  archive: key(
    "program, or list of program and arguments",
    z.union(
      [text().transform((program) => [program]), list().min(1)],
      "expected a program, or a list with its arguments",
    ),
    "Run before output is dropped, with a directory that holds the run's streams as its last argument; unless it succeeds, the output stays.",
  ),
});

const Log = z.strictObject({
  level: key(LOG_LEVELS.join(", "), oneOf(LOG_LEVELS), "Least level that is logged."),
  format: key('"pretty" or "json"', oneOf(["pretty", "json"]), "Lines for people, or JSON for machines."),
});

/** Names appear in environment variables, in flags and in file names. */
const AgentName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, "an agent's name is lower-case letters, digits and dashes");
const TABLE = "expected a table";

/** What config.toml holds; durations come out in milliseconds. */
export const ConfigFile = z.strictObject({
  server: Server.optional().meta({ description: "The control plane: `makima server` and `makima up`." }),
  database: Database.optional().meta({ description: "Where the server keeps its data." }),
  daemon: Daemon.optional().meta({ description: "The worker: `makima daemon` and `makima up`." }),
  worktrees: Worktrees.optional().meta({ description: "Checkouts of tasks." }),
  process: Process.optional().meta({ description: "Every process that makima starts for a task." }),
  loop: Loop.optional().meta({ description: "The autonomous loop: its limits, and when it gives up." }),
  agents: z
    .record(AgentName, Agent, TABLE)
    .optional()
    .meta({ description: 'One section for each agent; `claude` exists without one, any other is of kind "command".' }),
  notifications: Notifications.optional().meta({ description: "What people are told of, and where." }),
  retention: Retention.optional().meta({ description: "How long the server keeps what ended runs have put out." }),
  log: Log.optional().meta({ description: "The logs of server and daemon." }),
});

export type ConfigFile = z.output<typeof ConfigFile>;

type Shape = Readonly<Record<string, z.ZodType>>;
/** As a section's header names it. */
export type SectionName = keyof ConfigFile | "process.bubblewrap";

/** The keys of each section; those of `agents` are the keys of every agent. */
export const SECTIONS: Readonly<Record<SectionName, Shape>> = {
  server: Server.shape,
  database: Database.shape,
  daemon: Daemon.shape,
  worktrees: Worktrees.shape,
  process: PROCESS_KEYS,
  "process.bubblewrap": Bubblewrap.shape,
  loop: Loop.shape,
  agents: Agent.shape,
  notifications: Notifications.shape,
  retention: Retention.shape,
  log: Log.shape,
};

/** What a section is for. */
export function sectionDescription(section: SectionName): string {
  const schema = section === "process.bubblewrap" ? Process.shape.bubblewrap : ConfigFile.shape[section];
  return schema.meta()?.description ?? "";
}

/** Name that a key's value has in `Config`: a duration or size carries its unit, `idleTimeout` is `idleTimeoutMs`. */
export function fieldName(section: SectionName, name: string): string {
  const unit = SECTIONS[section][name]?.meta()?.unit;
  return unit === "duration" ? `${name}Ms` : unit === SIZE || unit === SIZE_OR_NONE ? `${name}Bytes` : name;
}

/** Where a section's tables stand, in a file's data or in `Config`: `agents` has one for each agent. */
export function tablePaths(section: SectionName, agents: readonly string[]): string[][] {
  return section === "agents" ? agents.map((name) => [section, name]) : [section.split(".")];
}

/** All sections, in the order of the reference. */
export function sectionNames(): SectionName[] {
  return Object.keys(SECTIONS) as SectionName[];
}
