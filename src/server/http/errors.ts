import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { errorBody, MakimaError } from "../../core/errors.ts";
import type { Logger } from "../../platform/log.ts";

/** Answers every failure as `{"error":{code,message,hint}}` with the status of the error table. */
export function errorHandler(log: Logger) {
  return async (thrown: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const error = asMakimaError(thrown);
    if (error === null) log.error({ err: thrown, method: request.method, url: request.url }, "a request failed");
    // A refused upgrade leaves a connection that nobody reads from any more.
    if (request.ws) reply.header("connection", "close");
    await reply.status(error?.status ?? 500).send({ error: errorBody(error) });
  };
}

export async function notFoundHandler(request: FastifyRequest): Promise<never> {
  throw new MakimaError("not_found", `There is no ${request.method} ${request.url.split("?")[0]}`, {
    hint: "Compare the request with /api/openapi.json.",
  });
}

function asMakimaError(error: unknown): MakimaError | null {
  if (error instanceof MakimaError) return error;
  if (error instanceof z.ZodError) return new MakimaError("invalid_request", describeIssues(error));
  if (!isClientError(error)) return null;
  return new MakimaError(error.statusCode === 413 ? "payload_too_large" : "invalid_request", error.message);
}

/** fastify's own: a body that is too large, not JSON, of another media type, ... */
function isClientError(error: unknown): error is FastifyError & { statusCode: number } {
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  return status >= 400 && status < 500;
}

function describeIssues({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`)).join("; ");
}
