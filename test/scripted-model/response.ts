import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Step } from "./script.ts";

interface Usage {
  input_tokens: number;
  output_tokens: number;
  cache_read_input_tokens: number;
  cache_creation_input_tokens: number;
}

type Block =
  | { type: "text"; text: string }
  | { type: "thinking"; thinking: string; signature: string }
  | { type: "tool_use"; id: string; name: string; input: Record<string, unknown> };

type Refusal = Extract<Step, { kind: "refuse" }>;

/** Sends an HTTP error in the API's form. */
export function sendRefusal(response: ServerResponse, refusal: Refusal): void {
  const body = { type: "error", error: { type: refusal.error, message: refusal.message } };
  sendJson(response, refusal.status, body, refusal.headers);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { ...headers, "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

/** Plays `steps` as the events of a streamed message, at their own pace; rejects when `signal` aborts. */
export async function streamMessage(
  response: ServerResponse,
  model: string,
  steps: Step[],
  signal: AbortSignal,
): Promise<void> {
  const send = (type: string, data: object): void => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  };
  const usage = usageOf(steps);
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  send("message_start", { message: { ...envelope(model, usage), content: [], stop_reason: null } });
  send("ping", {});
  let index = 0;
  for (const step of atLeastOneBlock(steps)) {
    await keepSilence(step, signal);
    const block = blockOf(step);
    if (block === null) continue;
    send("content_block_start", { index, content_block: emptied(block) });
    for (const delta of deltasOf(block)) send("content_block_delta", { index, delta });
    send("content_block_stop", { index });
    index += 1;
  }
  const delta = { stop_reason: stopReason(steps), stop_sequence: null };
  send("message_delta", { delta, usage: { output_tokens: usage.output_tokens } });
  send("message_stop", {});
  response.end();
}

/** The same message in one piece. */
export async function sendMessage(
  response: ServerResponse,
  model: string,
  steps: Step[],
  signal: AbortSignal,
): Promise<void> {
  for (const step of steps) await keepSilence(step, signal);
  const content = atLeastOneBlock(steps).flatMap((step) => blockOf(step) ?? []);
  sendJson(response, 200, { ...envelope(model, usageOf(steps)), content, stop_reason: stopReason(steps) });
}

/** A script that has nothing left to say ends the turn; the API never answers with an empty message. */
function atLeastOneBlock(steps: Step[]): Step[] {
  const speaks = steps.some((step) => step.kind === "say" || step.kind === "tool" || step.kind === "hang");
  return speaks ? steps : [...steps, { kind: "say", text: "The script has nothing more to say." }];
}

async function keepSilence(step: Step, signal: AbortSignal): Promise<void> {
  if (step.kind === "pause") await sleep(step.ms, undefined, { signal });
  if (step.kind === "hang") {
    await new Promise((_resolve, reject) => {
      const abort = (): void => reject(signal.reason);
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort, { once: true });
    });
  }
}

function blockOf(step: Step): Block | null {
  if (step.kind === "say") return { type: "text", text: step.text };
  if (step.kind === "think") return { type: "thinking", thinking: step.text, signature: "c2NyaXB0ZWQ=" };
  if (step.kind === "tool") return { type: "tool_use", id: newId("toolu"), name: step.name, input: step.input };
  return null;
}

function emptied(block: Block): Block {
  if (block.type === "text") return { ...block, text: "" };
  if (block.type === "thinking") return { ...block, thinking: "", signature: "" };
  return { ...block, input: {} };
}

function deltasOf(block: Block): object[] {
  if (block.type === "text") return pieces(block.text).map((text) => ({ type: "text_delta", text }));
  if (block.type === "thinking") {
    return [
      ...pieces(block.thinking).map((thinking) => ({ type: "thinking_delta", thinking })),
      { type: "signature_delta", signature: block.signature },
    ];
  }
  return pieces(JSON.stringify(block.input)).map((part) => ({ type: "input_json_delta", partial_json: part }));
}

/** Small enough that every block of interest arrives in several deltas, cut anywhere but inside a character. */
function pieces(text: string): string[] {
  return text.match(/[^]{1,48}/gu) ?? [];
}

function usageOf(steps: Step[]): Usage {
  const billed = steps.find((step) => step.kind === "usage");
  return {
    input_tokens: billed?.inputTokens ?? 100,
    output_tokens: billed?.outputTokens ?? 20,
    cache_read_input_tokens: 0,
    cache_creation_input_tokens: 0,
  };
}

function stopReason(steps: Step[]): "tool_use" | "end_turn" {
  return steps.at(-1)?.kind === "tool" ? "tool_use" : "end_turn";
}

function envelope(model: string, usage: Usage): object {
  return { id: newId("msg"), type: "message", role: "assistant", model, stop_sequence: null, usage };
}

function newId(prefix: string): string {
  return `${prefix}_${crypto.randomUUID().replaceAll("-", "")}`;
}
