import { MakimaError } from "../../core/errors.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Git } from "../../platform/git/git.ts";
import type { Logger } from "../../platform/log.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import type { RunSpec } from "../../protocol/run-spec.ts";
import type { Agent, AgentSettings } from "../agents/agent.ts";
import { createAgent } from "../agents/registry.ts";
import { fitEvent } from "../journal/fit-event.ts";
import type { RunDirectory } from "../journal/run-directory.ts";
import type { KeptMessage, Wishes } from "../journal/wishes.ts";
import { withoutSecrets } from "../journal/without-secrets.ts";
import type { RunUpload } from "../link/upload.ts";
import type { Sandboxes } from "../sandbox/sandboxes.ts";
import { applyEvent, initialState } from "./run-state.ts";
import type { RunState } from "./run-state.ts";
import type { UsageLimits } from "./usage-limits.ts";

/** What every run of a daemon shares. */
export interface RunnerServices {
  clock: Clock;
  log: Logger;
  git: Git;
  sandboxes: Sandboxes;
  /** Directory below which checkouts are made. */
  worktrees: string;
  /** The daemon's own environment: the source of what agents and checks are given by name. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Names that checks get besides the basics. */
  passEnv: readonly string[];
  /** Where this daemon reaches its server. */
  serverUrl: string;
  /** Directory with the command `makima`, for agents to call. */
  bin: string;
  /** Agents as configured at this moment. */
  loadAgents: () => Promise<Readonly<Record<string, AgentSettings>>>;
  /** Null: every repository may be worked in. */
  allowsRepository: (path: string) => boolean;
  usageLimits: UsageLimits;
}

/** The run's agent, and what it was configured with. */
export interface RunAgent {
  agent: Agent;
  settings: AgentSettings;
}

/** What a run is made of; `detach` aborts when this daemon lets go of it. */
interface RunParts {
  directory: RunDirectory;
  wishes: Wishes;
  upload: RunUpload;
  detach: AbortSignal;
}

/** A run in the hands of the steps: its spec, its state, and the one way to change that state, which is to record. */
export class RunContext {
  readonly services: RunnerServices;
  readonly directory: RunDirectory;
  readonly wishes: Wishes;
  readonly upload: RunUpload;
  /** Aborted when the run is to end; its reason is what a person said, or why the run is fenced. */
  readonly cancel = new AbortController();
  /** Aborted when this daemon lets go of the run, which goes on without it. */
  readonly detach: AbortSignal;
  /** Either of the two: whatever sleeps must wake. */
  readonly interrupt: AbortSignal;
  #fenced = false;
  #state: RunState;
  #agent: Promise<RunAgent> | null = null;
  readonly #putOff: (() => Promise<void>)[] = [];
  #aside: Promise<void> = Promise.resolve();

  constructor(services: RunnerServices, { directory, wishes, upload, detach }: RunParts) {
    this.services = services;
    this.directory = directory;
    this.wishes = wishes;
    this.upload = upload;
    this.detach = detach;
    this.interrupt = AbortSignal.any([this.cancel.signal, detach]);
    this.#state = directory.openJournal().reduce(applyEvent, initialState(directory.spec));
    this.#shareLimit();
  }

  get spec(): RunSpec {
    return this.directory.spec;
  }

  get state(): RunState {
    return this.#state;
  }

  get log(): Logger {
    return this.services.log;
  }

  /** As configured when this daemon took the run up: an edit in mid-run must not change what the iterations are. */
  agent(): Promise<RunAgent> {
    this.#agent ??= findAgent(this);
    return this.#agent;
  }

  /** Puts work off until the next agent is running; its failure is logged and changes nothing. */
  putOff(work: () => Promise<void>): void {
    this.#putOff.push(work);
  }

  /** Does what was put off, one thing after the other; resolves when nothing is left. */
  catchUp(): Promise<void> {
    for (const work of this.#putOff.splice(0)) {
      this.#aside = this.#aside.then(work).catch((error: unknown) => {
        this.log.warn({ err: error, run: this.spec.runId }, "something beside the loop failed");
      });
    }
    return this.#aside;
  }

  now(): number {
    return this.services.clock.now();
  }

  /** Why the run is to be stopped, or null. */
  get cancelled(): string | null {
    const { aborted, reason } = this.cancel.signal;
    return aborted ? String(reason) : null;
  }

  /** The task is another run's now: this one ends, and what it has done is put aside instead of landed. */
  fence(reason: string): void {
    this.#fenced = true;
    this.cancel.abort(reason);
  }

  get fenced(): boolean {
    return this.#fenced;
  }

  /** The messages that are part of no prompt yet, in the order of their arrival. */
  get unheard(): KeptMessage[] {
    const heard = new Set(this.#state.heard.map(({ id }) => id));
    return this.wishes.messages.filter(({ id }) => !heard.has(id));
  }

  /** Whether a person has said something that is part of no prompt yet. */
  get hasUnheardWords(): boolean {
    return this.unheard.some(({ kind }) => kind === "person");
  }

  /** Writes events to the journal, from which alone the state follows, and wakes the link. Nothing of that if it throws. */
  record(...happened: RunEvent[]): void {
    const events = happened.map((event) => fitEvent(withoutSecrets(event)));
    // Only a power cut loses what is not flushed, and then the agent is gone too: the iteration is simply taken up again.
    const durable = events.some(({ type }) => type === "finished");
    this.directory.append(events, { durable });
    this.#state = events.reduce(applyEvent, this.#state);
    if (events.some((event) => event.type === "verdict" && event.verdict === "wait")) this.#shareLimit();
    this.upload.wake();
  }

  /** What the agent itself was refused; a wait that was learned from another run is that one's to tell. */
  #shareLimit(): void {
    const { waiting, verdict } = this.#state;
    const refused = verdict?.verdict === "wait" && verdict.uncounted;
    if (waiting?.kind !== "usage-limit" || waiting.until === null || !refused) return;
    this.services.usageLimits.note(this.spec.agent, { until: waiting.until, text: waiting.reason });
  }
}

async function findAgent({ services, spec }: RunContext): Promise<RunAgent> {
  const agents = await services.loadAgents();
  const settings = agents[spec.agent];
  if (settings !== undefined) return { settings, agent: createAgent(settings, services.environment) };
  throw new MakimaError("agent_missing", `No agent is called "${spec.agent}"`, {
    hint: `Configured: ${Object.keys(agents).join(", ")}. Add [agents.${spec.agent}] with its command.`,
  });
}
