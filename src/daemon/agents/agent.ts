import type { AgentStream } from "../../core/agents/events.ts";
import type { AgentConfig } from "../../platform/config/config.ts";

/** An agent as configured by `[agents.<name>]`. */
export type AgentSettings = AgentConfig;

/** The daemon's own environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What the runner has to know of an agent, and all that a new one has to say. It describes processes and starts none: the
 * runner owns their life, so that every agent is spooled, limited, sandboxed and re-attached alike.
 */
export interface Agent {
  /** It can go on with the conversation of an earlier process; if not, every iteration starts from nothing. */
  readonly resumes: boolean;
  /** It ends with a `result` event, so that an end without one is a failure; if not, its exit code is all there is. */
  readonly reportsResult: boolean;
  /** The variable whose value it takes from a file instead, which it then removes; null: there is none. */
  readonly keyVariable: string | null;
  /** Rejects with `agent_missing` when the command cannot be started; to be asked before anything is made for a run. */
  preflight(): Promise<void>;
  commandLine(iteration: IterationRequest): AgentCommand;
  /** What it keeps on the machine when it works in `cwd` (absolute, resolved) with that environment. */
  state(cwd: string, env: Environment): AgentState;
  /** A reader of one process's stdout. */
  createStream(): AgentStream;
}

/** Paths that an agent in a sandbox needs, besides the checkout; absolute, not resolved, and need not be there. */
export interface AgentState {
  /** What it reads. */
  readable: readonly string[];
  /** Of that, what is not its business. */
  hidden: readonly string[];
  /** Directories that it must be able to write, and find again; they are made. */
  writable: readonly string[];
  /** Directories that it must be able to write and never finds anything in; they are made, and stay empty. */
  scratch: readonly string[];
}

export interface IterationRequest {
  prompt: string;
  /** What holds for all iterations of a run, such as the format of the completion gate. */
  systemPrompt: string;
  /** A UUID. Of no meaning, like `resume`, to an agent that cannot resume. */
  sessionId: string | null;
  /** Go on with that session, or with the latest one of the checkout when its id is not known; false starts a new one. */
  resume: boolean;
  /** US dollars that this process may spend, more than 0; null means no limit. */
  budgetUsdLeft: number | null;
  /** It supervises others, with commands that block until something has happened. */
  supervises: boolean;
  /** File that describes MCP servers for it; of no meaning to an agent that knows none. */
  mcpConfig: string | null;
  /** File that holds what its `keyVariable` would. */
  keyFile: string | null;
}

export interface AgentCommand {
  /** The program, absolute or to be found on PATH, and its arguments. Never holds the prompt: `ps` shows it to everybody. */
  argv: string[];
  stdin: string;
  /** What this kind of agent needs besides the variables that its settings name; those win. */
  env: Record<string, string>;
}
