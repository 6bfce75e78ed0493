import { join } from "node:path";
import type { AgentEvent, AgentStream } from "../../core/agents/events.ts";
import { GateScanner } from "../../core/completion-gate.ts";
import type { Gate } from "../../core/completion-gate.ts";
import type { InterruptedBy } from "../../core/verdict.ts";
import type { DetachedProcess, Exit } from "../../platform/process/detached.ts";
import { FileTail } from "../../platform/tail.ts";
import type { LoopLimits } from "../../protocol/run-spec.ts";
import type { Interruption } from "./interruption.ts";
import { onAbort } from "./on-abort.ts";
import { Watchdog } from "./watchdog.ts";
import type { Expiry } from "./watchdog.ts";

/** The writers may lag behind the exit of the agent: waited for at most this long (ms). */
const DRAIN = 2_000;

/** What one agent process did, as far as the verdict depends on it. */
export interface Observation {
  exit: Exit;
  expiry: Expiry | null;
  /** What it was asked to stop for in mid-turn. Never together with the expiry of a limit. */
  interrupted: InterruptedBy | null;
  /** Whether it did anything that shows that it has read its prompt. */
  responded: boolean;
  /** Last gate in the main agent's own text. */
  gate: Gate | null;
  sessionId: string | null;
  model: string | null;
  result: Extract<AgentEvent, { type: "result" }> | null;
  usageLimit: Extract<AgentEvent, { type: "usage-limit" }> | null;
  /** The agent's own word on what went wrong, outside of a result. */
  error: Extract<AgentEvent, { type: "error" }> | null;
  permissionDenials: number;
}

export interface ObserveOptions {
  process: DetachedProcess;
  stream: AgentStream;
  limits: Pick<LoopLimits, "idleTimeoutMs" | "iterationTimeoutMs">;
  /** How long the process has been running already (ms). */
  elapsedMs: number;
  /** Aborted when a person wants the run stopped. */
  cancel: AbortSignal;
  interruption: Interruption;
  /** Told of every tool call of the main agent. */
  toolCalled: (name: string, input: string) => void;
}

/**
 * Follows an agent process to its end, stopping it when a limit is passed or the run is cancelled. Rejects when the
 * process is let go of, or its output cannot be read.
 */
export async function observe(options: ObserveOptions): Promise<Observation> {
  const { process, stream, limits, elapsedMs, cancel, interruption } = options;
  const collector = new Collector(options.toolCalled);
  let expiry: Expiry | null = null;
  // Stopping rejects only when the process is let go of, and then so does waiting for its end.
  const stop = (): void => void process.stop().catch(() => undefined);
  using watchdog = new Watchdog(limits, elapsedMs, (which) => {
    if (interruption.by === null) expiry ??= which;
    stop();
  });
  const interrupt = async (): Promise<void> => {
    if (await hasEnded(process)) return;
    if (expiry === null) await interruption.note();
    stop();
  };
  await using output = new FileTail(join(process.dir, "out"));
  using _cancelled = onAbort(cancel, stop);
  using _interrupted = onAbort(interruption.wanted, () => void interrupt());
  const read = async (): Promise<void> => {
    for await (const { data } of output) {
      watchdog.active();
      collector.add(stream.push(data));
      if (collector.result !== null) watchdog.resultSeen();
    }
    collector.add(stream.end());
  };
  const [exit] = await Promise.all([endOf(process, output), read()]);
  // An agent that had come to its result was not interrupted in its turn, only hurried out.
  if (interruption.by !== null && collector.result !== null) expiry ??= "after-result";
  return { exit, expiry, interrupted: interruption.by, ...collector.facts() };
}

/** The first of two promises that are settled already is the one that counts. A process that was let go of has ended, too. */
async function hasEnded(process: DetachedProcess): Promise<boolean> {
  return (await Promise.race([process.exited, Promise.resolve(null)]).catch(() => "detached")) !== null;
}

/** The output ends with the process, not with the last of its children that holds it. */
async function endOf(process: DetachedProcess, output: FileTail): Promise<Exit> {
  const exit = await process.exited;
  await process.drained(DRAIN);
  output.finish();
  return exit;
}

/** Folds agent events into the facts of an observation, in bounded memory. */
class Collector {
  readonly #gates = new GateScanner();
  readonly #toolCalled: ObserveOptions["toolCalled"];
  #sessionId: string | null = null;
  #model: string | null = null;
  #usageLimit: Observation["usageLimit"] = null;
  #error: Observation["error"] = null;
  #denials = 0;
  #responded = false;
  result: Observation["result"] = null;

  constructor(toolCalled: ObserveOptions["toolCalled"]) {
    this.#toolCalled = toolCalled;
  }

  add(events: AgentEvent[]): void {
    for (const event of events) this.#addOne(event);
  }

  facts(): Omit<Observation, "exit" | "expiry" | "interrupted"> {
    return {
      responded: this.#responded || this.result?.isError === false,
      gate: this.#gates.last,
      sessionId: this.#sessionId,
      model: this.#model,
      result: this.result,
      usageLimit: this.#usageLimit,
      error: this.#error,
      permissionDenials: Math.max(this.#denials, this.result?.permissionDenials ?? 0),
    };
  }

  #addOne(event: AgentEvent): void {
    switch (event.type) {
      case "init":
        this.#sessionId = event.sessionId;
        this.#model = event.model;
        return;
      case "thinking":
        this.#responded = true;
        return;
      case "text":
        this.#responded = true;
        if (event.main) this.#gates.push(event.text);
        return;
      case "tool-use":
        this.#responded = true;
        if (event.main) this.#toolCalled(event.name, JSON.stringify(event.input));
        return;
      case "usage-limit":
        this.#usageLimit = event;
        return;
      case "error":
        this.#error = event;
        return;
      case "permission-denied":
        this.#denials += 1;
        return;
      case "result":
        this.result = event;
        this.#sessionId = event.sessionId ?? this.#sessionId;
        return;
      default:
        return;
    }
  }
}
