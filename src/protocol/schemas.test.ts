import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { SCHEMAS } from "./api.ts";
import { AppendHeader, DaemonMessage, ServerMessage } from "./link.ts";
import { ROUTES } from "./routes.ts";
import { decodeEvent, encodeEvent, RunEvent } from "./run-events.ts";
import { RunSpec } from "./run-spec.ts";
import { SubscriptionMessage, ViewerMessage } from "./subscriptions.ts";

describe("every schema of the protocol", () => {
  /** Replies that are bytes, text, or a document of another standard. */
  const foreign = ["metrics reply", "openapi reply", "readStream reply"];
  const ofRoutes = Object.entries(SCHEMAS).flatMap(([route, parts]) =>
    Object.entries(parts).map(([part, schema]): [string, z.ZodType] => [`${route} ${part}`, schema]),
  );
  const schemas: [name: string, schema: z.ZodType][] = [
    ...ofRoutes.filter(([name]) => !foreign.includes(name)),
    ["run spec", RunSpec],
    ["run event", RunEvent],
    ["append header", AppendHeader],
    ["daemon message", DaemonMessage],
    ["server message", ServerMessage],
    ["viewer message", ViewerMessage],
    ["subscription message", SubscriptionMessage],
  ];

  for (const [name, schema] of schemas) {
    it(`refuses unknown keys: ${name}`, () => {
      const objects = objectsIn(z.toJSONSchema(schema, { io: "input" }));
      assert.ok(objects.length > 0);
      for (const object of objects) assert.equal(object["additionalProperties"], false, JSON.stringify(object));
    });
  }

  it("belongs to a route, and every route has its own", () => {
    assert.deepEqual(Object.keys(SCHEMAS).toSorted(), Object.keys(ROUTES).toSorted());
  });
});

describe("an event", () => {
  const event: RunEvent = { type: "notice", at: 1, message: "two\nlines, \u2028 and \u0000 and é" };

  it("is one line, and comes back from it", () => {
    const line = encodeEvent(event);
    assert.equal(line.indexOf("\n"), line.length - 1);
    assert.deepEqual(decodeEvent(line), event);
  });

  it("is of a known type, whole, and nothing more", () => {
    const wrong = ["", "{", "null", '{"type":"unheard-of","at":1}', '{"type":"notice","at":1}', '{"type":"notice"}'];
    for (const line of [...wrong, JSON.stringify({ ...event, more: 1 }), JSON.stringify({ ...event, at: 1.5 })]) {
      assert.throws(() => decodeEvent(line), line);
    }
  });
});

type JsonSchema = Record<string, unknown>;

/** Every part of a JSON schema that lists properties. */
function objectsIn(schema: unknown): JsonSchema[] {
  if (typeof schema !== "object" || schema === null) return [];
  const inner = Object.values(schema).flatMap(objectsIn);
  return "properties" in schema && "type" in schema && schema.type === "object" ? [schema, ...inner] : inner;
}
