import type { FastifyInstance } from "fastify";
import { MakimaError } from "../../core/errors.ts";
import { MAX_BODY } from "../../protocol/routes.ts";
import { jsonProblem } from "./json-scan.ts";

/**
 * Takes JSON in UTF-8 only, refuses `__proto__` and `constructor` keys, keys that are named twice, and depth and size
 * beyond their limits.
 */
export function useJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    "application/json",
    { parseAs: "buffer", bodyLimit: MAX_BODY },
    (request, body, done) => {
      const text = decode(body);
      const problem = text === null ? "The body is not UTF-8" : jsonProblem(text);
      if (problem !== null) done(new MakimaError("invalid_request", problem));
      else if (text === null || text === "") done(null, {});
      else void parse(request, text, done);
    },
  );
}

/** null for bytes that are not UTF-8: replacing them would store another text than was sent. */
function decode(body: Buffer): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return null;
  }
}
