import type { AgentEvent, AgentStream } from "./events.ts";

/** Reads an agent that prints plain text: all of it is the main agent's. There is no result: the exit code is all it says. */
export class TextStream implements AgentStream {
  readonly #decoder = new TextDecoder();

  push(bytes: Uint8Array): AgentEvent[] {
    return said(this.#decoder.decode(bytes, { stream: true }));
  }

  end(): AgentEvent[] {
    return said(this.#decoder.decode());
  }
}

function said(text: string): AgentEvent[] {
  return text === "" ? [] : [{ type: "text", text, main: true }];
}
