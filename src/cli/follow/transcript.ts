import type { AgentEvent } from "../../core/agents/events.ts";
import { createAgentStream } from "../../core/agents/index.ts";
import type { AgentKind } from "../../core/agents/index.ts";
import { escapeForTerminal, stripAnsi } from "../../core/text.ts";
import { brief } from "../format.ts";
import type { Story } from "../output.ts";

const MAX_LINE = 160;

/** Turns what one agent process prints into lines for a person. */
export class Transcript {
  readonly #stream;
  readonly #kind: AgentKind;
  readonly #style: Story["style"];
  /** An unfinished line of a `command` agent, which says its text in pieces. */
  #unfinished = "";

  constructor(kind: AgentKind, style: Story["style"]) {
    this.#stream = createAgentStream(kind);
    this.#kind = kind;
    this.#style = style;
  }

  push(data: Uint8Array): string[] {
    return this.#stream.push(data).flatMap((event) => this.#lines(event));
  }

  end(): string[] {
    const lines = this.#stream.end().flatMap((event) => this.#lines(event));
    return [...lines, ...this.#said("", true, "  ")];
  }

  #lines(event: AgentEvent): string[] {
    // What a sub-agent does stands further in.
    const indent = "main" in event && !event.main ? "    " : "  ";
    if (event.type === "text") return this.#said(event.text, this.#kind === "claude", indent);
    return describe(event, this.#style).map((line) => `${indent}${line}`);
  }

  #said(text: string, whole: boolean, indent: string): string[] {
    const lines = `${this.#unfinished}${text}`.split("\n");
    const rest = lines.pop() ?? "";
    this.#unfinished = whole ? "" : rest;
    if (whole && rest !== "") lines.push(rest);
    return lines.map((line) => `${indent}${printable(line)}`.trimEnd());
  }
}

/** Every kind of event has its lines here; most have one, some have none because another one says the same. */
function describe(event: Exclude<AgentEvent, { type: "text" }>, style: Story["style"]): string[] {
  switch (event.type) {
    case "init":
      return event.model === null ? [] : [style("dim", `model ${short(event.model)}`)];
    case "thinking":
      return event.text.trim() === "" ? [] : [style("dim", `… ${short(event.text)}`)];
    case "tool-use":
      return [`${style("cyan", `› ${short(event.name)}`)} ${short(toolSubject(event.input))}`.trimEnd()];
    case "tool-result":
      return event.isError ? [style("yellow", `  failed: ${short(event.text)}`)] : [];
    case "retry":
      return [style("yellow", `the model does not answer (${short(event.reason)}), try ${event.attempt}`)];
    case "usage-limit":
      return [style("yellow", `usage limit reached: ${short(event.text)}`)];
    case "permission-denied":
      return [style("yellow", `permission denied: ${short(event.tool)}`)];
    case "error":
      return [style("red", `error: ${short(event.text)}`)];
    case "result":
      return event.isError ? [style("red", `ended with an error: ${short(event.text || event.subtype)}`)] : [];
    case "unknown":
      return event.line.trim() === "" ? [] : [style("dim", short(event.line))];
  }
}

/** What a tool is used on, by the fields that tools commonly have; else all of its input. */
function toolSubject(input: unknown): string {
  if (typeof input !== "object" || input === null) return input === null ? "" : JSON.stringify(input);
  const fields = input as Record<string, unknown>;
  const names = ["command", "file_path", "path", "pattern", "query", "url", "description", "prompt"];
  const subject = names.map((name) => fields[name]).find((value) => typeof value === "string");
  return typeof subject === "string" ? subject : JSON.stringify(input);
}

function short(text: string): string {
  return brief(text, MAX_LINE);
}

function printable(text: string): string {
  return escapeForTerminal(stripAnsi(text));
}
