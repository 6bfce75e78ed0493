import type { z } from "zod";
import { ERRORS } from "../core/errors.ts";
import { SCHEMAS } from "./api.ts";
import { componentSchemas, schemaOf } from "./openapi-schemas.ts";
import type { JsonSchema } from "./openapi-schemas.ts";
import { ROUTE_DOCS, TAGS } from "./route-docs.ts";
import { ROUTES } from "./routes.ts";
import type { Route, RouteName } from "./routes.ts";
import { VERSIONED } from "./versioned.ts";

export type OpenApiDocument = Record<string, unknown>;

let built: OpenApiDocument | null = null;

/** The API as OpenAPI 3.1, from the route table and its schemas. Built when it is first asked for: that takes 0.1 s. */
export function openApiDocument(): OpenApiDocument {
  built ??= buildDocument();
  return built;
}

function buildDocument(): OpenApiDocument {
  // The paths come first: they find out which schemas there are.
  const paths = pathItems();
  return {
    openapi: "3.1.1",
    info: {
      title: "makima",
      version: "1",
      description: "The control plane's API. Ids may be shortened to any unambiguous beginning or end.",
      license: { name: "MIT", identifier: "MIT" },
    },
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    security: [{ key: [] }],
    paths,
    components: {
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "A key: `mk_user_...`, `mk_daemon_...` or `mk_task_...`." },
      },
      schemas: { ...componentSchemas(), Error: ERROR },
      responses: errorResponses(),
    },
  };
}

const ERROR: JsonSchema = {
  type: "object",
  properties: {
    error: {
      type: "object",
      properties: {
        code: { type: "string", enum: Object.keys(ERRORS) },
        message: { type: "string" },
        hint: { type: "string" },
      },
      required: ["code", "message", "hint"],
      additionalProperties: false,
    },
  },
  required: ["error"],
  additionalProperties: false,
};

function pathItems(): Record<string, Record<string, unknown>> {
  const items: Record<string, Record<string, unknown>> = {};
  for (const name of Object.keys(ROUTES) as RouteName[]) {
    const { path, method } = ROUTES[name];
    const item = (items[path.replaceAll(/:([a-z]+)/g, "{$1}")] ??= {});
    item[method.toLowerCase()] = operation(name, ROUTES[name]);
  }
  return items;
}

function operation(name: RouteName, route: Route): Record<string, unknown> {
  const { tag, summary, description } = ROUTE_DOCS[name];
  const body = route.method === "GET" ? null : schemaOf(SCHEMAS[name].body, "input");
  const hasBody = body !== null && Object.keys(body.properties ?? { referred: true }).length > 0;
  return {
    operationId: name,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(route.scopes === null ? { security: [] } : {}),
    "x-makima-scopes": route.scopes ?? [],
    parameters: [
      ...fieldsOf("path", SCHEMAS[name].params),
      ...fieldsOf("query", SCHEMAS[name].query),
      ...headers(route),
    ],
    ...(hasBody
      ? { requestBody: { required: isRequired(body), content: { "application/json": { schema: body } } } }
      : {}),
    responses: { "200": success(name, route), ...failures(route) },
  };
}

function fieldsOf(place: "path" | "query", schema: z.ZodType): unknown[] {
  const { properties = {}, required = [] } = schemaOf(schema, "input");
  return Object.entries(properties).map(([name, field]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: field,
  }));
}

function headers({ method }: Route): unknown[] {
  const header = (name: string, description: string) => ({
    name,
    in: "header",
    description,
    schema: { type: "string" },
  });
  return [
    ...(method === "GET"
      ? []
      : [header("Idempotency-Key", "A repetition within 24 hours gets the first reply, and nothing is done twice.")]),
    ...(method === "PATCH"
      ? [
          header(
            "If-Match",
            "The version that the change is meant for, in quotes; another one is a `version_conflict`.",
          ),
        ]
      : []),
  ];
}

/** Whether a body must be sent: a route whose fields are all optional does without. */
function isRequired(body: JsonSchema): boolean {
  return body.$ref !== undefined || (body.required ?? []).length > 0;
}

function success(name: RouteName, { type = "application/json" }: Route): unknown {
  const etag = { description: "Version of the contract or task, for If-Match.", schema: { type: "string" } };
  return {
    description: ROUTE_DOCS[name].summary,
    ...(name in VERSIONED ? { headers: { ETag: etag } } : {}),
    content: { [type]: { schema: schemaOf(SCHEMAS[name].reply, "output") } },
  };
}

/** What may go wrong, by status; the codes of each are in the response that it refers to. */
function failures({ method, path, scopes }: Route): Record<string, unknown> {
  const keyed = scopes === null ? [] : [401, 429, 503];
  const named = path.includes(":") ? [404, 409] : [];
  const written = method === "GET" ? [] : [409, 413];
  const versioned = method === "PATCH" ? [412] : [];
  const dropped = path.endsWith("/output") ? [410] : [];
  const statuses = new Set([400, 403, 500, ...keyed, ...named, ...written, ...versioned, ...dropped]);
  return Object.fromEntries(
    [...statuses]
      .toSorted((a, b) => a - b)
      .map((status) => [status, { $ref: `#/components/responses/Error${status}` }]),
  );
}

function errorResponses(): Record<string, unknown> {
  const byStatus = Map.groupBy(Object.entries(ERRORS), ([, { status }]) => status);
  return Object.fromEntries(
    [...byStatus]
      .toSorted(([a], [b]) => a - b)
      .map(([status, errors]) => [
        `Error${status}`,
        {
          description: errors.map(([code, { hint }]) => `\`${code}\`: ${hint}`).join("\n\n"),
          content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
        },
      ]),
  );
}
