import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { ERRORS, errorBody, MakimaError } from "../../core/errors.ts";
import type { Logger } from "../../platform/log.ts";
import { COMMON_HEADERS, setCommonHeaders } from "./requests.ts";

/** Answers every failure as `{"error":{code,message,hint}}` with the status of the error table. */
export function errorHandler(log: Logger) {
  return async (thrown: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const error = asMakimaError(thrown);
    const { id, method } = request;
    if (error === null) log.error({ err: thrown, request: id, method }, "a request failed");
    // A refused upgrade leaves a connection that nobody reads from any more.
    if (request.ws) reply.header("connection", "close");
    await reply.status(error?.status ?? ERRORS.internal.status).send({ error: errorBody(error) });
  };
}

/** The same for requests that no route sees: their address is malformed. */
export function malformedUrlHandler(_: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const error = new MakimaError("invalid_request", "The address of the request is malformed, or too long");
  setCommonHeaders(request, reply);
  void reply.status(error.status).send({ error: error.toBody() });
}

/** The same for what is not HTTP at all, or has headers without end: there is nothing but the connection to answer on. */
export function clientErrorHandler(thrown: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || thrown.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const error =
    thrown.code === "HPE_HEADER_OVERFLOW"
      ? new MakimaError("payload_too_large", "The headers of the request are too large")
      : new MakimaError("invalid_request", "The request is not HTTP, or did not arrive in time");
  const body = JSON.stringify({ error: error.toBody() });
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    "content-type: application/json; charset=utf-8",
    ...Object.entries(COMMON_HEADERS).map(([name, value]) => `${name}: ${value}`),
    `x-request-id: ${randomUUID()}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

export async function notFoundHandler(request: FastifyRequest): Promise<never> {
  throw new MakimaError("not_found", `There is no ${request.method} ${request.url.split("?")[0]}`, {
    hint: ERRORS.invalid_request.hint,
  });
}

function asMakimaError(error: unknown): MakimaError | null {
  if (error instanceof MakimaError) return error;
  if (!isClientError(error)) return null;
  return new MakimaError(error.statusCode === 413 ? "payload_too_large" : "invalid_request", error.message);
}

/** fastify's own: a body that is too large, not JSON, of another media type, ... */
function isClientError(error: unknown): error is FastifyError & { statusCode: number } {
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  return status >= 400 && status < 500;
}
