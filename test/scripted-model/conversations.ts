import type { Script, Step } from "./script.ts";

/** The part of a Messages API request that the script depends on. */
export interface MessagesRequest {
  model: string;
  stream?: boolean;
  messages: { role: string; content: string | ContentBlock[] }[];
  tools?: { name: string }[];
}

export interface ContentBlock {
  type: string;
  text?: string;
}

/** What one request is answered with: the steps up to the first tool, or a refusal alone. */
export interface Reply {
  iteration: number;
  steps: Step[];
}

interface Position {
  iteration: number;
  steps: Step[];
  /** Where the next response starts, and where the last one did: a retried request is answered again. */
  next: number;
  last: number;
  /** How often the step at `next` has refused. */
  refusals: number;
  request: string;
}

/** Where each conversation is in the script. It outlives the agent's processes, so a resumed session goes on. */
export class Conversations {
  readonly #script: Script;
  readonly #positions = new Map<string, Position>();

  constructor(script: Script) {
    this.#script = script;
  }

  reply(session: string, request: MessagesRequest): Reply {
    const position = this.#locate(session, request);
    const first = position.steps[position.next];
    position.last = position.next;
    if (first?.kind === "refuse") {
      position.refusals += 1;
      if (position.refusals >= first.times) {
        position.next += 1;
        position.refusals = 0;
      }
      return { iteration: position.iteration, steps: [first] };
    }
    position.next = responseEnd(position.steps, position.next);
    return { iteration: position.iteration, steps: position.steps.slice(position.last, position.next) };
  }

  #locate(session: string, request: MessagesRequest): Position {
    const fingerprint = JSON.stringify(request.messages, (key, value: unknown) =>
      // Claude Code moves its cache marks from request to request.
      key === "cache_control" ? undefined : value,
    );
    const known = this.#positions.get(session);
    if (known?.request === fingerprint) {
      if (known.steps[known.last]?.kind !== "refuse") known.next = known.last;
      return known;
    }
    if (known !== undefined && !isPrompt(request)) {
      known.request = fingerprint;
      return known;
    }
    const iteration = known === undefined ? 0 : known.iteration + 1;
    const steps = this.#steps({ session, iteration, prompt: promptOf(request) });
    const position = { iteration, steps, next: 0, last: 0, refusals: 0, request: fingerprint };
    this.#positions.set(session, position);
    return position;
  }

  #steps(turn: { session: string; iteration: number; prompt: string }): Step[] {
    if (typeof this.#script === "function") return this.#script(turn);
    return this.#script.turns[turn.iteration] ?? this.#script.turns.at(-1) ?? [];
  }
}

/** The text of the last user message, without the reminders that Claude Code puts around it. */
export function promptOf(request: MessagesRequest): string {
  return blocksOfLastUserMessage(request)
    .flatMap((block) => (block.type === "text" && block.text !== undefined ? [block.text] : []))
    .filter((text) => !text.startsWith("<system-reminder>"))
    .join("\n");
}

function isPrompt(request: MessagesRequest): boolean {
  return !blocksOfLastUserMessage(request).some((block) => block.type === "tool_result");
}

function blocksOfLastUserMessage(request: MessagesRequest): ContentBlock[] {
  const content = request.messages.findLast((message) => message.role === "user")?.content ?? [];
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

function responseEnd(steps: Step[], start: number): number {
  const end = steps.findIndex((step, index) => index >= start && (step.kind === "tool" || step.kind === "refuse"));
  if (end === -1) return steps.length;
  return steps[end]?.kind === "tool" ? end + 1 : end;
}
