import type { FastifyInstance } from "fastify";
import { MakimaError } from "../../core/errors.ts";
import { MAX_BODY } from "../../protocol/routes.ts";

/** No request nests deeper than a few levels; what does is an attempt to exhaust whoever walks it. */
const MAX_DEPTH = 32;

/** Takes JSON only, refuses `__proto__` and `constructor` keys, depth and size beyond their limits. */
export function useJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>(
    "application/json",
    { parseAs: "string", bodyLimit: MAX_BODY },
    (request, body, done) => {
      if (body === "") done(null, {});
      else if (depth(body) > MAX_DEPTH) done(new MakimaError("invalid_request", "The body is nested too deeply"));
      else void parse(request, body, done);
    },
  );
}

/** Deepest nesting of brackets outside strings, in one pass and before anything is built from the text. */
function depth(json: string): number {
  let deepest = 0;
  let open = 0;
  for (const [token] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"?|[[{]|[\]}]/gs)) {
    if (token === "[" || token === "{") open += 1;
    else if (token === "]" || token === "}") open -= 1;
    deepest = Math.max(deepest, open);
  }
  return deepest;
}
