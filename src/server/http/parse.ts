import type { FastifyRequest } from "fastify";
import type { z } from "zod";
import { MakimaError } from "../../core/errors.ts";
import { SCHEMAS } from "../../protocol/api.ts";
import type { Parsed } from "../../protocol/api.ts";
import type { RouteName } from "../../protocol/routes.ts";

/**
 * The parts of a request by their strict schemas: what these do not name is refused. Throws `invalid_request` with every
 * problem in one message.
 */
export function parseRequest<R extends RouteName>(name: R, request: FastifyRequest): Parsed<R> {
  const problems: string[] = [];
  const schemas: Record<keyof Parsed<R>, z.ZodType> = SCHEMAS[name];
  const parse = (part: keyof Parsed<R>): unknown => {
    const { success, data, error } = schemas[part].safeParse(request[part] ?? {});
    if (!success) problems.push(...error.issues.map(describeIssue));
    return data;
  };
  const parsed = { params: parse("params"), query: parse("query"), body: parse("body") };
  if (!hasOwnCursor(parsed.query)) problems.push("cursor: not one that this server gave");
  if (problems.length > 0) throw new MakimaError("invalid_request", joined(problems));
  // Parsed<R> is by definition what these three return; TypeScript cannot follow that through a lookup.
  return parsed as Parsed<R>;
}

/** Longest Idempotency-Key (characters); a UUID has 36. */
const MAX_IDEMPOTENCY_KEY = 200;

/** Visible ASCII: what else a header may hold is not stored alike by every database. */
const IDEMPOTENCY_KEY = new RegExp(`^[\\x21-\\x7e]{1,${MAX_IDEMPOTENCY_KEY}}$`);

export function idempotencyKeyOf({ headers }: FastifyRequest): string | null {
  const value = headers["idempotency-key"];
  if (value === undefined) return null;
  if (typeof value === "string" && IDEMPOTENCY_KEY.test(value)) return value;
  throw new MakimaError("invalid_request", `Idempotency-Key: 1 to ${MAX_IDEMPOTENCY_KEY} visible ASCII characters`);
}

/** The version in `If-Match: "7"`; null where it is absent or `*`. */
export function ifMatchOf({ headers }: FastifyRequest): number | null {
  const value = headers["if-match"];
  if (value === undefined || value === "*") return null;
  const version = /^"?(\d{1,15})"?$/.exec(value)?.[1];
  if (version === undefined) throw new MakimaError("invalid_request", "If-Match: the version of what is changed");
  return Number(version);
}

/** A cursor is the id of a page's last item: a UUID, or the beginning of a key's hash. */
const CURSOR = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16})$/;

function hasOwnCursor(query: unknown): boolean {
  if (typeof query !== "object" || query === null || !("cursor" in query)) return true;
  return query.cursor === undefined || (typeof query.cursor === "string" && CURSOR.test(query.cursor));
}

/** Problems that are named in one message: a request may have a million of them. */
const MOST_PROBLEMS = 20;

function joined(problems: readonly string[]): string {
  const more = problems.length - MOST_PROBLEMS;
  return `${problems.slice(0, MOST_PROBLEMS).join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}

function describeIssue({ path, message }: z.core.$ZodIssue): string {
  return path.length === 0 ? message : `${path.join(".")}: ${message}`;
}
