import type { AgentKind } from "../../core/agents/index.ts";
import type { Report, Task } from "../../protocol/api.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import { inline } from "../format.ts";
import type { Story } from "../output.ts";
import { describeEvent } from "./describe-event.ts";
import type { RunListener } from "./read-run.ts";
import { reportLines } from "./report.ts";
import { Transcript } from "./transcript.ts";

/** A state that passes faster than this (ms), as every task's first one, is not worth a line. */
const LASTING = 1_000;

/** Tells a task to a person as it happens: all of it when somebody watches, else a line for each iteration. */
export class TaskView implements RunListener {
  readonly #story: Story;
  readonly #kind: AgentKind;
  #transcript: Transcript | null = null;
  #state = "";
  #later: NodeJS.Timeout | undefined;

  constructor(story: Story, kind: AgentKind) {
    this.#story = story;
    this.#kind = kind;
  }

  task(task: Task): void {
    const state = stateOf(task);
    if (state === this.#state) return;
    this.#state = state;
    clearTimeout(this.#later);
    if (state === "" || !this.#story.live) return;
    this.#later = setTimeout(() => this.#tell([this.#story.style("dim", state)]), LASTING).unref();
  }

  event(event: RunEvent): void {
    if (event.type !== "notice") this.#closeTranscript();
    this.#tell(describeEvent(event, this.#story));
  }

  report({ text }: Report): void {
    this.#tell(reportLines("Report", text, this.#story.style));
  }

  output(_iteration: number, data: Uint8Array): void {
    if (!this.#story.live) return;
    this.#transcript ??= new Transcript(this.#kind, this.#story.style);
    this.#tell(this.#transcript.push(data));
  }

  /** With the event that ends an iteration, all of its output has been told. */
  #closeTranscript(): void {
    if (this.#transcript === null) return;
    this.#tell(this.#transcript.end());
    this.#transcript = null;
  }

  #tell(lines: string[]): void {
    for (const line of lines) this.#story.write(`${line}\n`);
  }
}

/** What only the server knows of a task that is not at work. */
function stateOf(task: Task): string {
  if (task.unreachable) return "Its daemon is away; the agent goes on, and will be heard of when the daemon is back.";
  if (task.status === "pending") return `Waiting for a daemon${task.reason === null ? "" : `: ${inline(task.reason)}`}`;
  return "";
}
