import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { Conversations, promptOf } from "./conversations.ts";
import type { MessagesRequest } from "./conversations.ts";
import { sendJson, sendMessage, sendRefusal, streamMessage } from "./response.ts";
import type { Script, Step } from "./script.ts";

/** A request for a message, as it came. */
export interface RecordedRequest {
  /** `main` follows the script, `subagent` is answered with its own prompt, `side` (titles, quota probes) with "ok". */
  role: "main" | "subagent" | "side";
  session: string;
  /** Counted from 0 in each conversation; null unless `role` is `main`. */
  iteration: number | null;
  /** The text of the last user message; empty when it only brings a tool's result. */
  prompt: string;
  headers: IncomingHttpHeaders;
  body: MessagesRequest & Record<string, unknown>;
}

export interface ScriptedModel extends AsyncDisposable {
  /** For ANTHROPIC_BASE_URL. */
  url: string;
  /** Grows as requests arrive. */
  requests: RecordedRequest[];
}

/** A server on loopback that speaks enough of the Anthropic Messages API for the real Claude Code to work with it. */
export async function startScriptedModel(script: Script): Promise<ScriptedModel> {
  const conversations = new Conversations(script);
  const requests: RecordedRequest[] = [];
  const server = createServer((request, response) => {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    answer(request, response, { conversations, requests, signal: gone.signal }).catch((error: unknown) => {
      // The client left, or the script is at fault: an agent that sees the connection break will say so.
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Context {
  conversations: Conversations;
  requests: RecordedRequest[];
  signal: AbortSignal;
}

async function answer(request: IncomingMessage, response: ServerResponse, context: Context): Promise<void> {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  // Claude Code looks with HEAD / whether anybody is there.
  if (request.method !== "POST") return sendJson(response, request.method === "HEAD" ? 200 : 404, {});
  const body = (await json(request)) as RecordedRequest["body"];
  if (path === "/v1/messages/count_tokens") return sendJson(response, 200, { input_tokens: 100 });
  if (path !== "/v1/messages") return sendJson(response, 404, {});

  const session = String(request.headers["x-claude-code-session-id"] ?? "");
  const role = roleOf(request.headers, body);
  const reply = role === "main" ? context.conversations.reply(session, body) : null;
  const prompt = promptOf(body);
  const iteration = reply?.iteration ?? null;
  context.requests.push({ role, session, iteration, prompt, headers: request.headers, body });

  const steps: Step[] = reply?.steps ?? [{ kind: "say", text: role === "subagent" ? prompt : "ok" }];
  const [first] = steps;
  if (first?.kind === "refuse") return sendRefusal(response, first);
  const send = body.stream === true ? streamMessage : sendMessage;
  await send(response, body.model, steps, context.signal);
}

function roleOf(headers: IncomingHttpHeaders, body: MessagesRequest): RecordedRequest["role"] {
  if (headers["x-claude-code-agent-id"] !== undefined) return "subagent";
  return body.tools?.some((tool) => tool.name === "Bash") === true ? "main" : "side";
}
