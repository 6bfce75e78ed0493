import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { Readable, Writable } from "node:stream";
import type { Surroundings } from "../context.ts";
import { VERSION } from "../version.ts";
import { callTool } from "./call.ts";
import type { ToolResult } from "./call.ts";
import type { Tool } from "./tools.ts";

/** Serves the tools over stdin and stdout until the client closes stdin; what is under way is aborted then. */
export async function serveTools(
  surroundings: Surroundings,
  tools: readonly Tool[],
  closed: AbortSignal,
): Promise<void> {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const server = new Server({ name: "makima", version: VERSION }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, async () => ({
    tools: tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema: { ...inputSchema } })),
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal }) => {
    const tool = byName.get(params.name);
    if (tool === undefined) return toResult({ text: `There is no tool ${params.name}`, isError: true });
    const call = {
      command: tool.command,
      arguments: params.arguments ?? {},
      signal: AbortSignal.any([signal, closed]),
    };
    return toResult(await callTool(surroundings, call));
  });
  const ended = Promise.withResolvers<void>();
  const stdin = new Readable().wrap(surroundings.stdin);
  const stdout = new Writable({ write: (chunk, _, done) => void surroundings.stdout.write(chunk, () => done()) });
  stdin.once("close", ended.resolve);
  surroundings.stdout.once("error", ended.resolve);
  closed.addEventListener("abort", () => ended.resolve(), { once: true });
  await server.connect(new StdioServerTransport(stdin, stdout));
  await ended.promise;
  await server.close();
}

/** A document is also given as structured content, which clients can use without parsing text. */
function toResult({ text, isError }: ToolResult): CallToolResult {
  const content = [{ type: "text" as const, text }];
  const document = isError ? null : parseObject(text);
  return document === null ? { content, isError } : { content, isError, structuredContent: document };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}
