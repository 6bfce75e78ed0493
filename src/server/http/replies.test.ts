import { Validator } from "@seriousme/openapi-schema-validator";
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { SCHEMAS } from "../../protocol/api.ts";
import { openApiDocument } from "../../protocol/openapi.ts";
import { ROUTES } from "../../protocol/routes.ts";
import type { Route, RouteName } from "../../protocol/routes.ts";
import { VERSIONED } from "../../protocol/versioned.ts";
import { askRoute } from "../testing/ask.ts";
import { CALLS, newWorld } from "../testing/world.ts";

interface Document {
  paths: Record<string, Record<string, { operationId: RouteName; responses: Record<string, Response> }>>;
  components: { schemas: Record<string, object>; responses: Record<string, Response> };
}

interface Response {
  content: Record<string, { schema: object }>;
}

const document = openApiDocument() as unknown as Document;

test("the document is OpenAPI 3.1 to somebody else's validator", async () => {
  const copy = structuredClone(openApiDocument());
  assert.deepEqual(await new Validator().validate(copy), { valid: true });
});

test("the document has every route of the table", () => {
  const operations = Object.values(document.paths).flatMap((item) => Object.values(item));
  assert.deepEqual(operations.map(({ operationId }) => operationId).toSorted(), Object.keys(ROUTES).toSorted());
});

test("every route answers as the schemas and the document say", async () => {
  await using world = await newWorld();
  const errors: Response[] = [];
  for (const name of Object.keys(ROUTES) as RouteName[]) {
    const route: Route = ROUTES[name];
    const { status, headers, text } = await askRoute(
      world.server,
      name,
      world.server.userKey,
      await CALLS[name](world.own),
    );
    assert.equal(status, 200, `${name}: ${text}`);
    const type = route.type ?? "application/json";
    assert.ok(headers["content-type"]?.startsWith(type), `${name}: ${headers["content-type"]}`);
    const reply: unknown = type === "application/json" ? JSON.parse(text) : text;
    assert.deepEqual(SCHEMAS[name].reply.parse(reply), reply, name);
    const { responses } = operationOf(name);
    asDocumented(responses["200"]?.content[type]?.schema).parse(reply);
    assert.equal(headers.etag !== undefined, name in VERSIONED, name);
    if (route.scopes !== null) errors.push(...(await refusals(world.server, name)));
  }
  assert.ok(errors.length > 0);
});

/** What an unauthorized caller gets is documented too. */
async function refusals(server: { url: string }, name: RouteName): Promise<Response[]> {
  const { status, text } = await askRoute(server, name, null, {});
  const response = document.components.responses[`Error${status}`];
  assert.ok(response !== undefined && String(status) in operationOf(name).responses, `${name} ${status}`);
  asDocumented(response.content["application/json"]?.schema).parse(JSON.parse(text));
  return [response];
}

function operationOf(name: RouteName) {
  const { path, method } = ROUTES[name];
  const operation = document.paths[path.replaceAll(/:([a-z]+)/g, "{$1}")]?.[method.toLowerCase()];
  assert.ok(operation !== undefined, name);
  return operation;
}

/** A schema of the document, with the components that it refers to. */
function asDocumented(schema: object | undefined): z.ZodType {
  assert.ok(schema !== undefined);
  const whole = JSON.stringify({ ...schema, $defs: document.components.schemas });
  return z.fromJSONSchema(
    JSON.parse(whole.replaceAll("#/components/schemas/", "#/$defs/")) as z.core.JSONSchema.JSONSchema,
  );
}
